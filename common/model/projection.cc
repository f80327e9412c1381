#include "common/model/projection.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "common/base/contracts.h"

namespace larimar::model {
namespace {

constexpr std::int64_t kRowsOfThread = 256;  // less is not worth a thread

std::span<const float> floats(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.const_data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

}  // namespace

Projection::Projection(const at::Tensor& weight, const at::Tensor& bias, Arithmetic arithmetic) {
  if (arithmetic == Arithmetic::kFloat) {
    weight_ = weight;
    bias_ = bias;
    return;
  }
  const at::Tensor rows = weight.contiguous();
  const Eigen::Map<const linalg::Matrix> matrix(rows.const_data_ptr<float>(), rows.size(0), rows.size(1));
  const at::Tensor offsets = bias.defined() ? bias.contiguous() : bias;
  integers_.emplace(matrix, floats(offsets));
}

at::Tensor Projection::operator()(const at::Tensor& x) const {
  if (!integers_) return at::linear(x, weight_, bias_);
  const at::Tensor rows = x.contiguous().view({-1, x.size(-1)});
  LARIMAR_EXPECT(static_cast<std::size_t>(rows.size(1)) == integers_->inputs());
  const auto inputs = rows.size(1), stride = static_cast<std::int64_t>(integers_->stride());
  at::Tensor y = at::empty({rows.size(0), stride}, rows.options());
  const float* from = rows.const_data_ptr<float>();
  auto* to = y.mutable_data_ptr<float>();
  at::parallel_for(0, rows.size(0), kRowsOfThread, [&](std::int64_t begin, std::int64_t end) {
    const auto count = static_cast<std::size_t>(end - begin);
    integers_->apply({from + begin * inputs, count * integers_->inputs()},
                     {to + begin * stride, count * integers_->stride()});
  });
  auto shape = x.sizes().vec();
  shape.back() = static_cast<std::int64_t>(integers_->outputs());
  return y.narrow(1, 0, shape.back()).view(shape);
}

}  // namespace larimar::model
