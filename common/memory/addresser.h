#pragma once
#include <cstdint>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/memory/rules.h"

namespace larimar::memory {

/// Keys to weights over the K rows of a fixed key memory M0 [K, D]. M0^+ is computed once, in the constructor, where the
/// addressing needs it. Owns M0; immutable after construction, so any thread may use it.
class Addresser {
 public:
  /// Throws ShapeError for no row or no column; NumericalError naming the row of NaN or infinity in M0 (and, with
  /// Solve::kBenCohen, if the iteration diverges); ConfigError as memory::check.
  Addresser(linalg::Matrix key_memory, const MemoryRules& rules);

  /// Dense or Gaussian weights. Shapes keys [n, D]; returns [n, K].
  /// Throws ShapeError, NumericalError naming the row; Error(kInternal) for one-hot addressing.
  [[nodiscard]] linalg::Matrix weights(linalg::ConstMatrixRef keys) const;
  /// One-hot addressing: the row nearest to each key (linalg::nearest_rows). Returns [n].
  [[nodiscard]] std::vector<std::uint32_t> nearest(linalg::ConstMatrixRef keys) const;

  /// The `top` best rows of each key by dot product in fixed order, best first, equal scores by the lower row; for topk reads.
  struct TopRows {
    std::vector<std::uint32_t> rows{};  // [n, top]
    std::vector<float> scores{};        // [n, top]
  };
  [[nodiscard]] TopRows top_rows(linalg::ConstMatrixRef keys, std::size_t top) const;

  [[nodiscard]] bool is_one_hot() const;
  [[nodiscard]] linalg::Index slots() const { return key_memory_.rows(); }
  [[nodiscard]] linalg::Index key_size() const { return key_memory_.cols(); }
  [[nodiscard]] const linalg::Matrix& key_memory() const { return key_memory_; }

 private:
  linalg::Matrix key_memory_;  // M0 [K, D]
  MemoryRules rules_;
  linalg::Matrix inverse_;  // M0^+ [D, K]; dense only
};

}  // namespace larimar::memory
