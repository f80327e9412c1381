#pragma once
// Fits the table of static keys to a sentence encoder. The header shows no LibTorch type.
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/text/tokenizer.h"

namespace larimar::train {

struct StaticFitOptions {
  linalg::Index size = 256;  // D
  double smoothing = 1e-4;   // of the vectors that the fit starts from (model::make_static_vectors)
  int epochs = 3;
  std::int64_t batch = 512;     // texts of one step
  double learning_rate = 2e-3;  // falls to zero evenly
  std::uint64_t seed = 1;
};

/// Texts as their pieces, none empty, and the encoder's key of each: [texts], [texts, width].
struct StaticExamples {
  std::vector<std::vector<text::TokenId>> pieces;
  linalg::Matrix keys;
};

struct StaticFit {
  linalg::Matrix vectors;                // [pieces, D]
  double cosine_before = 0, cosine = 0;  // of sums with targets, mean over texts that were not fitted to
};

/// Vectors whose sum over a text's pieces points to where the encoder's key lies, on the D directions that hold most of the keys' length.
/// Starts from model::make_static_vectors of `alone`, turned to the keys by least squares, so that a piece that no text has keeps
/// a meaning; then Adam on 1 - cosine. One text in fifty is left out and measures.
/// Shapes  alone [V, width]: each piece's key; pieces below V. `report` gets a line an epoch.
/// Calls   local. Throws ShapeError if shapes disagree, ConfigError for fewer than 100 texts.
/// Cost    a step is V D for Adam and the pieces of a batch times D; the same input gives the same bits with one thread.
[[nodiscard]] StaticFit fit_static_vectors(const StaticExamples& examples, linalg::ConstMatrixRef alone,
                                           const StaticFitOptions& options,
                                           const std::function<void(const std::string&)>& report);

}  // namespace larimar::train
