#include "common/model/torch_bridge.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/checked.h"
#include "common/base/error.h"

namespace larimar::model {
namespace {

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 15> kTypes{{{"BOOL", at::kBool},
                                                                              {"U8", at::kByte},
                                                                              {"I8", at::kChar},
                                                                              {"I16", at::kShort},
                                                                              {"I32", at::kInt},
                                                                              {"I64", at::kLong},
                                                                              {"U16", at::kUInt16},
                                                                              {"U32", at::kUInt32},
                                                                              {"U64", at::kUInt64},
                                                                              {"F16", at::kHalf},
                                                                              {"BF16", at::kBFloat16},
                                                                              {"F32", at::kFloat},
                                                                              {"F64", at::kDouble},
                                                                              {"F8_E4M3", at::kFloat8_e4m3fn},
                                                                              {"F8_E5M2", at::kFloat8_e5m2}}};

at::Tensor copy_of(linalg::ConstMatrixRef matrix, const at::TensorOptions& options) {
  at::Tensor tensor = at::empty({matrix.rows(), matrix.cols()}, options);
  Eigen::Map<linalg::Matrix>(tensor.data_ptr<float>(), matrix.rows(), matrix.cols()) = matrix;
  return tensor;
}

}  // namespace

at::Tensor to_tensor(const TensorView& view) {
  const auto* const type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& entry) { return entry.first == view.dtype; });
  if (type == kTypes.end())
    throw base::FormatError("a tensor has the type \"" + view.dtype + "\", which LibTorch does not have");
  std::vector<std::int64_t> shape;
  for (const std::uint64_t extent : view.shape)
    shape.push_back(base::checked_cast<std::int64_t>(extent, "a tensor's extent"));
  at::Tensor tensor = at::empty(shape, type->second);
  if (tensor.nbytes() != view.bytes.size()) throw base::ShapeError("a tensor's bytes do not fit its shape");
  if (!view.bytes.empty()) std::memcpy(tensor.data_ptr(), view.bytes.data(), view.bytes.size());
  return tensor;
}

at::Tensor to_tensor(linalg::ConstMatrixRef matrix) { return copy_of(matrix, at::TensorOptions(at::kFloat)); }

at::Tensor to_device(linalg::ConstMatrixRef matrix, const at::TensorOptions& options) {
  const bool pinned = !options.device().is_cpu();
  return copy_of(matrix, at::TensorOptions(at::kFloat).pinned_memory(pinned)).to(options, /*non_blocking=*/pinned);
}

at::Tensor to_tensor(std::span<const std::int64_t> values) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, at::kLong);
  std::copy(values.begin(), values.end(), tensor.data_ptr<std::int64_t>());
  return tensor;
}

TensorView to_view(const at::Tensor& tensor) {
  if (!tensor.is_contiguous() || !tensor.is_cpu())
    throw base::ShapeError("only a contiguous tensor on the CPU can be viewed");
  const auto* const type = std::find_if(kTypes.begin(), kTypes.end(),
                                        [&](const auto& entry) { return entry.second == tensor.scalar_type(); });
  if (type == kTypes.end()) {
    throw base::FormatError(std::string("safetensors has no type for ") + at::toString(tensor.scalar_type()));
  }
  TensorView view{.dtype = std::string(type->first), .shape = {}, .bytes = {}};
  for (const std::int64_t extent : tensor.sizes()) view.shape.push_back(static_cast<std::uint64_t>(extent));
  view.bytes = {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()};
  return view;
}

linalg::Matrix to_matrix(const at::Tensor& tensor) {
  if (tensor.dim() != 2)
    throw base::ShapeError("expected a tensor of 2 dimensions, got " + std::to_string(tensor.dim()));
  const at::Tensor plain = tensor.to(at::kCPU, at::kFloat).contiguous();
  return Eigen::Map<const linalg::Matrix>(plain.const_data_ptr<float>(), plain.size(0), plain.size(1));
}

}  // namespace larimar::model
