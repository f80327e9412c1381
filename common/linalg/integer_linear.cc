// Compiled once for each instruction set: foreach_target.h includes this file again and again.
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_WANT_AVX3_DL
#include "common/linalg/integer_linear.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/linalg/integer_linear.cc"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "common/linalg/integer_linear.inc"

#if HWY_ONCE
#include <string>

#include "common/base/contracts.h"
#include "common/base/error.h"

namespace larimar::linalg {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{96} << 10;  // of packed weights, which stay in the cache for a chunk
constexpr std::size_t kChunk = 64;                          // rows of x taken together

}  // namespace

HWY_EXPORT(to_integers);

int integer_levels(std::size_t width) {
  const double most =
      std::sqrt(static_cast<double>(std::numeric_limits<std::int32_t>::max()) / static_cast<double>(width));
  return static_cast<int>(std::min(most, static_cast<double>(std::numeric_limits<std::int16_t>::max())));
}

IntegerLinear::IntegerLinear(ConstMatrixRef weights, std::span<const float> bias)
    : inputs_(static_cast<std::size_t>(weights.cols())), outputs_(static_cast<std::size_t>(weights.rows())) {
  if (inputs_ == 0 || inputs_ % 2 != 0 || outputs_ == 0 || (!bias.empty() && bias.size() != outputs_))
    throw base::ShapeError(
        "a linear layer in integers takes an even number of inputs and a bias an output, not weights [" +
        std::to_string(outputs_) + ", " + std::to_string(inputs_) + "] and " + std::to_string(bias.size()) + " biases");
  if (!weights.allFinite()) throw base::NumericalError("a linear layer in integers has a weight that is not finite");
  const int levels = integer_levels(inputs_);
  std::vector<std::int16_t> integers(outputs_ * inputs_);
  for (std::size_t o = 0; o < outputs_; ++o) {
    scales_.push_back(HWY_DYNAMIC_DISPATCH(to_integers)(weights.row(static_cast<Index>(o)).data(), inputs_, levels,
                                                        integers.data() + o * inputs_));
  }
  const std::size_t group = PackedVectors(std::span(integers).first(inputs_), inputs_).padded();
  const std::size_t most = std::max<std::size_t>(kBlockBytes / (2 * inputs_ * group), 1) * group;
  for (std::size_t first = 0; first < outputs_; first += most) {
    const std::size_t count = std::min(most, outputs_ - first);
    blocks_.push_back(
        {PackedVectors(std::span<const std::int16_t>(integers).subspan(first * inputs_, count * inputs_), inputs_),
         first});
    stride_ = first + blocks_.back().weights.padded();
  }
  bias_.assign(bias.begin(), bias.end());
  bias_.resize(stride_);
  scales_.resize(stride_);
}

void IntegerLinear::apply(std::span<const float> x, std::span<float> y) const {
  const std::size_t rows = x.size() / inputs_;
  LARIMAR_EXPECT(x.size() == rows * inputs_ && y.size() == rows * stride_);
  const int levels = integer_levels(inputs_);
  std::vector<std::int16_t> integers(std::min(rows, kChunk) * inputs_);
  std::vector<float> scales(std::min(rows, kChunk));
  for (std::size_t first = 0; first < rows; first += kChunk) {
    const std::size_t count = std::min(kChunk, rows - first);
    for (std::size_t r = 0; r < count; ++r) {
      scales[r] = HWY_DYNAMIC_DISPATCH(to_integers)(x.data() + (first + r) * inputs_, inputs_, levels,
                                                    integers.data() + r * inputs_);
    }
    for (const Block& block : blocks_) {
      const std::size_t wide = block.weights.padded();
      dot_batch(std::span<const std::int16_t>(integers).first(count * inputs_), block.weights,
                {std::span<const float>(scales).first(count), std::span(scales_).subspan(block.first, wide),
                 std::span(bias_).subspan(block.first, wide)},
                {}, stride_, y.data() + first * stride_ + block.first);
    }
  }
}

}  // namespace larimar::linalg
#endif  // HWY_ONCE
