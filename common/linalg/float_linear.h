#pragma once
// A linear layer in floats whose weights are laid out once. A general product of matrices lays them out anew for each product,
// which costs more than the product itself where few rows are multiplied, as in decoding.
#include <cstddef>
#include <span>
#include <vector>

#include "common/linalg/dot_batch.h"
#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// y = x W^T + b; each sum goes from the first input to the last, fused, so that a row of y depends on that row of x alone.
/// Owns its weights.
class FloatLinear {
 public:
  /// Shapes  weights [outputs, inputs], bias [outputs] or empty. Throws ShapeError for others.
  FloatLinear(ConstMatrixRef weights, std::span<const float> bias);

  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  /// Distance of rows of y in floats: outputs with what fills up the last register. What stands behind the outputs has no meaning.
  [[nodiscard]] std::size_t stride() const { return stride_; }
  /// Outputs come in blocks, each of which stays in a core's second-level cache.
  [[nodiscard]] std::size_t blocks() const { return blocks_.size(); }

  /// The outputs of blocks first ... last - 1.
  /// Shapes  x [rows, inputs], y [rows, stride]. Local; one thread; several threads may call it.
  void apply(std::span<const float> x, std::span<float> y, std::size_t first, std::size_t last) const;
  void apply(std::span<const float> x, std::span<float> y) const { apply(x, y, 0, blocks()); }

  /// A row of the weights, to [inputs].
  void copy_weights(std::size_t output, std::span<float> to) const;

 private:
  std::size_t inputs_, outputs_, stride_ = 0, block_outputs_ = 0;
  std::vector<PackedVectors> blocks_;  // of block_outputs_ outputs, the last one of the rest
  std::vector<float> bias_;            // [stride], or none
};

}  // namespace larimar::linalg
