#pragma once
// The table of static keys: a vector for each piece of a sentence encoder's vocabulary. A text's key is the mean of its pieces'.
// File = safetensors: vectors I8 [pieces, D], scales F32 [pieces] of the rows | __metadata__: "format": "larimar static keys 2" and
// how it was made.
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/safetensors.h"

namespace larimar::model {

struct StaticTableOptions {
  linalg::Index size = 256;  // D, at most the encoder's
  double smoothing = 1e-4;   // a of the weight a / (a + p) of a piece with share p of the text
};

/// Vectors whose sum over a text's pieces points to where its key lies, from each piece's key alone and its frequency; what
/// train::fit_static_vectors starts from:
///   u = projection of (key - mean) on the D directions of most variance, pieces counted by the square root of their share p
///   row = a / (a + p) u - c,  c = sum over the pieces of p a / (a + p) u, so that the mean over all text is zero
/// Shapes  pieces [V, width], counts [V]; returns [V, D]. The sign of a direction makes its greatest component positive.
/// Calls   local. Throws ShapeError for other shapes or D; ConfigError unless smoothing > 0 and some piece was counted.
/// Cost    V width^2 multiply-adds and an eigenvalue problem of that width, in double.
/// Source  the weight: Arora, Liang, Ma, "A simple but tough-to-beat baseline for sentence embeddings", 2017.
[[nodiscard]] linalg::Matrix make_static_vectors(linalg::ConstMatrixRef pieces, std::span<const std::uint64_t> counts,
                                                 const StaticTableOptions& options = {});

/// Rounds each row to integers of its own scale. The file appears complete or not at all; equal input gives equal bytes. `made`: more
/// metadata. Throws as base::AtomicFile; NumericalError for a number that is not finite.
void write_static_table(const std::filesystem::path& path, linalg::ConstMatrixRef vectors,
                        std::map<std::string, std::string> made);

/// A table file, mapped and checked. Owns the mapping. Throws MissingInputError or FormatError naming file and what is wrong.
class StaticTable {
 public:
  explicit StaticTable(const std::filesystem::path& path);
  [[nodiscard]] linalg::Index pieces() const { return pieces_; }
  [[nodiscard]] linalg::Index size() const { return size_; }  // D
  [[nodiscard]] std::span<const std::byte> bytes() const;     // of the integers of all vectors
  [[nodiscard]] std::span<const std::byte> scales() const;    // of all scales
  [[nodiscard]] linalg::Matrix vectors() const;               // [pieces, D], made anew
  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }
  /// What was written as `made`. Throws FormatError if there is no such entry.
  [[nodiscard]] const std::string& made(const std::string& name) const;

 private:
  SafetensorsFile file_;
  linalg::Index pieces_ = 0, size_ = 0;
};

}  // namespace larimar::model
