#pragma once
// A linear layer of an encoder, in floats or in integers. LibTorch types: included by common/model only.
#include <ATen/core/Tensor.h>

#include <optional>

#include "common/linalg/integer_linear.h"
#include "common/model/encoders.h"

namespace larimar::model {

/// y = x W^T + b. Owns its weights, prepared once.
class Projection {
 public:
  Projection() = default;  // of no use until assigned
  /// Shapes  weight F32 [outputs, inputs], bias F32 [outputs] or undefined. Throws as linalg::IntegerLinear.
  Projection(const at::Tensor& weight, const at::Tensor& bias, Arithmetic arithmetic);

  /// Shapes  x F32 [.., inputs] to [.., outputs]; in integers a view of rows that may lie further apart. Local.
  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const;
  [[nodiscard]] bool defined() const { return weight_.defined() || integers_.has_value(); }

 private:
  at::Tensor weight_, bias_;
  std::optional<linalg::IntegerLinear> integers_;
};

}  // namespace larimar::model
