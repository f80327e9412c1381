#include "common/linalg/float_linear.h"

#include <algorithm>
#include <string>

#include "common/base/contracts.h"
#include "common/base/error.h"

namespace larimar::linalg {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{96} << 10;  // of weights, which stay in the cache for a chunk
constexpr std::size_t kChunk = 64;                          // rows of x taken together

}  // namespace

FloatLinear::FloatLinear(ConstMatrixRef weights, std::span<const float> bias)
    : inputs_(static_cast<std::size_t>(weights.cols())), outputs_(static_cast<std::size_t>(weights.rows())) {
  if (inputs_ == 0 || outputs_ == 0 || (!bias.empty() && bias.size() != outputs_) ||
      weights.outerStride() != weights.cols())
    throw base::ShapeError(
        "a linear layer takes rows of weights one after another and a bias an output, not weights [" +
        std::to_string(outputs_) + ", " + std::to_string(inputs_) + "] and " + std::to_string(bias.size()) + " biases");
  const std::span<const float> all(weights.data(), outputs_ * inputs_);
  const std::size_t group = PackedVectors(all.first(inputs_), inputs_).padded();
  block_outputs_ = std::max<std::size_t>(kBlockBytes / (sizeof(float) * inputs_ * group), 1) * group;
  for (std::size_t first = 0; first < outputs_; first += block_outputs_) {
    const std::size_t count = std::min(block_outputs_, outputs_ - first);
    blocks_.emplace_back(all.subspan(first * inputs_, count * inputs_), inputs_);
    stride_ = first + blocks_.back().padded();
  }
  if (bias.empty()) return;
  bias_.assign(bias.begin(), bias.end());
  bias_.resize(stride_);
}

void FloatLinear::apply(std::span<const float> x, std::span<float> y, std::size_t first, std::size_t last) const {
  const std::size_t rows = x.size() / inputs_;
  LARIMAR_EXPECT(x.size() == rows * inputs_ && y.size() == rows * stride_ && first <= last && last <= blocks_.size());
  for (std::size_t row = 0; row < rows; row += kChunk) {
    const std::span<const float> chunk = x.subspan(row * inputs_, std::min(kChunk, rows - row) * inputs_);
    for (std::size_t b = first; b < last; ++b) {
      const std::size_t output = b * block_outputs_;
      const auto offsets =
          bias_.empty() ? std::span<const float>() : std::span(bias_).subspan(output, blocks_[b].padded());
      dot_batch(chunk, blocks_[b], offsets, stride_, y.data() + row * stride_ + output);
    }
  }
}

void FloatLinear::copy_weights(std::size_t output, std::span<float> to) const {
  LARIMAR_EXPECT(output < outputs_);
  blocks_[output / block_outputs_].copy_floats(output % block_outputs_, to);
}

}  // namespace larimar::linalg
