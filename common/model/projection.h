#pragma once
// A linear layer of a network, in floats or in integers. LibTorch types: included by common/model and decoder only.
#include <ATen/core/Tensor.h>

#include <memory>

#include "common/linalg/float_linear.h"
#include "common/linalg/integer_linear.h"
#include "common/model/encoders.h"

namespace larimar::model {

/// Whether a layer's weights are laid out anew for this project's own products: float32 on the CPU. Others are LibTorch's.
[[nodiscard]] bool is_laid_out(const at::TensorOptions& options);

/// y = x W^T + b. Owns its weights, prepared once; copies share them.
class Projection {
 public:
  Projection() = default;  // of no use until assigned
  /// Shapes  weight [outputs, inputs], bias [outputs] or undefined; for integers F32 on the CPU. Throws as linalg::IntegerLinear.
  Projection(const at::Tensor& weight, const at::Tensor& bias, Arithmetic arithmetic = Arithmetic::kFloat);

  /// Shapes  x [.., inputs] to [.., outputs], of the weights' type and device; a view of rows that may lie further apart. Local.
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const;
  /// Rows of W: outputs [n] int64 to [n, inputs]. Not in integers. Throws ShapeError, or c10::Error, for one that is not there.
  [[nodiscard]] at::Tensor weights_of(const at::Tensor& outputs) const;
  [[nodiscard]] bool defined() const { return weight_.defined() || floats_ || integers_; }

 private:
  at::Tensor weight_, bias_;  // where LibTorch multiplies
  std::shared_ptr<const linalg::FloatLinear> floats_;
  std::shared_ptr<const linalg::IntegerLinear> integers_;
};

}  // namespace larimar::model
