#pragma once
// The one place where memory of ours becomes a tensor of LibTorch and back.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

#include "common/linalg/matrix.h"
#include "common/model/safetensors.h"

namespace larimar::model {

/// A copy of a stored tensor, on the CPU, of the same type. Bytes need no alignment.
/// Throws FormatError for a type or an extent that LibTorch does not have.
[[nodiscard]] at::Tensor to_tensor(const TensorView& view);

/// Copies on the CPU: [rows, columns] F32, and [size] I64.
[[nodiscard]] at::Tensor to_tensor(linalg::ConstMatrixRef matrix);
[[nodiscard]] at::Tensor to_tensor(std::span<const std::int64_t> values);

/// The same on a device, in the type of `options`. To a GPU it goes from pinned memory, and the copy is queued like the work that
/// will use it: the CPU goes on at once.
[[nodiscard]] at::Tensor to_device(linalg::ConstMatrixRef matrix, const at::TensorOptions& options);

/// The tensor's own memory, valid as long as it lives. Needs a contiguous CPU tensor: throws ShapeError otherwise, and
/// FormatError for a type that safetensors does not have.
[[nodiscard]] TensorView to_view(const at::Tensor& tensor);

/// [rows, columns] of any floating type and device to a matrix. Throws ShapeError if it has not two dimensions.
[[nodiscard]] linalg::Matrix to_matrix(const at::Tensor& tensor);

}  // namespace larimar::model
