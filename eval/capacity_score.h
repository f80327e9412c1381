#pragma once
#include <span>

#include "common/linalg/matrix.h"
#include "eval/score.h"

namespace larimar::eval {

/// Measures of reads as eval/capacity.h defines them.
struct ReadScores {
  Recall identified{}, recalled{}, exact{};
};

/// The codes that a memory was given, as what its reads are judged by. Owns a copy at unit length; refers to the codes.
class CodeIndex {
 public:
  /// Shapes codes [N, C]; they must outlive this.
  explicit CodeIndex(linalg::ConstMatrixRef codes);

  /// Shapes  reads [n, C], facts [n] with the row of each read's own code. Equal cosines go to the lowest row; a read of zero
  ///         is nobody's. Throws ShapeError. Cost 2 n N C flops.
  [[nodiscard]] ReadScores score(linalg::ConstMatrixRef reads, std::span<const linalg::Index> facts) const;
  [[nodiscard]] const linalg::ConstMatrixRef& codes() const { return codes_; }

 private:
  linalg::ConstMatrixRef codes_;
  linalg::Matrix unit_;  // [N, C]
};

}  // namespace larimar::eval
