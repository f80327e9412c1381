#pragma once
// A linear layer in integers: about 1.5 times as fast as in floats where a processor multiplies and adds pairs of int16.
#include <cstdint>
#include <span>
#include <vector>

#include "common/linalg/dot_batch.h"
#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// Most levels on each side of zero with which a sum of `width` products stays within int32: 2,364 for 384, 1,182 for 1,536.
[[nodiscard]] int integer_levels(std::size_t width);

/// y = x W^T + b, where each row of x and of W is a scale times integers within integer_levels(inputs), products are added up exactly
/// and the result becomes float. A row of y depends on that row of x alone, and its bits on no instruction set.
/// Owns its weights, packed once.
class IntegerLinear {
 public:
  /// Shapes  weights [outputs, inputs], inputs even; bias [outputs] or empty. Throws ShapeError for others; NumericalError for a weight
  ///         that is not finite.
  IntegerLinear(ConstMatrixRef weights, std::span<const float> bias);

  [[nodiscard]] std::size_t inputs() const { return inputs_; }
  [[nodiscard]] std::size_t outputs() const { return outputs_; }
  /// Distance of rows of y in floats: outputs with what fills up the last register. What stands behind the outputs has no meaning.
  [[nodiscard]] std::size_t stride() const { return stride_; }

  /// Shapes  x [rows, inputs], y [rows, stride]. A row of x with a number that is not finite gives a row of NaN. Local; one thread; several
  ///         threads may call it.
  void apply(std::span<const float> x, std::span<float> y) const;

 private:
  struct Block {
    PackedVectors weights;
    std::size_t first;  // of its outputs
  };
  std::size_t inputs_, outputs_, stride_ = 0;
  std::vector<Block> blocks_;         // each small enough for the second-level cache
  std::vector<float> scales_, bias_;  // [stride]
};

}  // namespace larimar::linalg
