#include "common/model/projection.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <string>

#include "common/base/contracts.h"
#include "common/base/error.h"

namespace larimar::model {
namespace {

constexpr std::int64_t kRowsOfThread = 256;  // less is not worth a thread
constexpr std::int64_t kBlocksOfThread = 4;  // of weights, the same

std::span<const float> floats(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

/// x and y as rows of floats.
struct Rows {
  std::span<const float> x;
  std::span<float> y;
  std::size_t count, inputs, stride;

  [[nodiscard]] std::span<const float> x_of(std::int64_t begin, std::int64_t end) const {
    return x.subspan(static_cast<std::size_t>(begin) * inputs, static_cast<std::size_t>(end - begin) * inputs);
  }
  [[nodiscard]] std::span<float> y_of(std::int64_t begin, std::int64_t end) const {
    return y.subspan(static_cast<std::size_t>(begin) * stride, static_cast<std::size_t>(end - begin) * stride);
  }
};

void apply(const linalg::IntegerLinear& layer, const Rows& rows) {
  at::parallel_for(0, static_cast<std::int64_t>(rows.count), kRowsOfThread, [&](std::int64_t begin, std::int64_t end) {
    layer.apply(rows.x_of(begin, end), rows.y_of(begin, end));
  });
}

/// Threads share out many rows, or the outputs of few.
void apply(const linalg::FloatLinear& layer, const Rows& rows) {
  const auto count = static_cast<std::int64_t>(rows.count);
  if (count >= 2 * kRowsOfThread) {
    at::parallel_for(0, count, kRowsOfThread, [&](std::int64_t begin, std::int64_t end) {
      layer.apply(rows.x_of(begin, end), rows.y_of(begin, end));
    });
    return;
  }
  at::parallel_for(0, static_cast<std::int64_t>(layer.blocks()), kBlocksOfThread,
                   [&](std::int64_t begin, std::int64_t end) {
                     layer.apply(rows.x, rows.y, static_cast<std::size_t>(begin), static_cast<std::size_t>(end));
                   });
}

template <class Layer>
at::Tensor project(const Layer& layer, const at::Tensor& x) {
  const at::Tensor from = x.contiguous();
  LARIMAR_EXPECT(static_cast<std::size_t>(from.size(-1)) == layer.inputs());
  const std::int64_t count = from.numel() / from.size(-1), stride = static_cast<std::int64_t>(layer.stride());
  at::Tensor y = at::empty({count, stride}, from.options());
  apply(layer, Rows{floats(from),
                    {y.mutable_data_ptr<float>(), static_cast<std::size_t>(y.numel())},
                    static_cast<std::size_t>(count),
                    layer.inputs(),
                    layer.stride()});
  auto shape = x.sizes().vec();
  shape.back() = static_cast<std::int64_t>(layer.outputs());
  return y.narrow(1, 0, shape.back()).view(shape);
}

}  // namespace

bool is_laid_out(const at::TensorOptions& options) {
  return options.device().is_cpu() && c10::typeMetaToScalarType(options.dtype()) == at::kFloat;
}

Projection::Projection(const at::Tensor& weight, const at::Tensor& bias, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::kFloat && !is_laid_out(weight.options())) {
    weight_ = weight;
    bias_ = bias;
    return;
  }
  const at::Tensor rows = weight.contiguous(), offsets = bias.defined() ? bias.contiguous() : bias;
  const Eigen::Map<const linalg::Matrix> matrix(rows.const_data_ptr<float>(), rows.size(0), rows.size(1));
  if (arithmetic == Arithmetic::kFloat)
    floats_ = std::make_shared<const linalg::FloatLinear>(matrix, floats(offsets));
  else
    integers_ = std::make_shared<const linalg::IntegerLinear>(matrix, floats(offsets));
}

at::Tensor Projection::operator()(const at::Tensor& x) const {
  if (floats_) return project(*floats_, x);
  if (integers_) return project(*integers_, x);
  return at::linear(x, weight_, bias_);
}

at::Tensor Projection::weights_of(const at::Tensor& outputs) const {
  LARIMAR_EXPECT(!integers_ && defined());
  if (!floats_) return at::index_select(weight_, 0, outputs.to(weight_.device()));
  const at::Tensor numbers = outputs.contiguous();
  const auto inputs = static_cast<std::int64_t>(floats_->inputs());
  at::Tensor rows = at::empty({numbers.numel(), inputs}, at::kFloat);
  for (std::int64_t i = 0; i < numbers.numel(); ++i) {
    const auto output = static_cast<std::size_t>(numbers.const_data_ptr<std::int64_t>()[i]);
    if (output >= floats_->outputs())
      throw base::ShapeError("row " + std::to_string(output) + " of " + std::to_string(floats_->outputs()) +
                             " weights was asked for");
    floats_->copy_weights(output, {rows.mutable_data_ptr<float>() + i * inputs, floats_->inputs()});
  }
  return rows;
}

}  // namespace larimar::model
