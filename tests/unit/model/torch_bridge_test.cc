#include "common/model/torch_bridge.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/model/safetensors_header.h"

namespace larimar::model {
namespace {

TEST(TorchBridge, EveryStoredTypeGoesToATensorAndBack) {
  for (const std::string dtype : {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64", "F16", "BF16", "F32",
                                  "F64", "F8_E4M3", "F8_E5M2"}) {
    std::vector<std::byte> bytes(element_bytes(dtype) * 6);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i % 2);
    const at::Tensor tensor = to_tensor(TensorView{dtype, {2, 3}, bytes});
    const TensorView view = to_view(tensor);
    EXPECT_EQ(view.dtype, dtype);
    EXPECT_EQ(view.shape, (std::vector<std::uint64_t>{2, 3}));
    EXPECT_EQ(std::vector<std::byte>(view.bytes.begin(), view.bytes.end()), bytes) << dtype;
  }
}

TEST(TorchBridge, BytesNeedNoAlignmentAndAreCopied) {
  std::vector<std::byte> bytes(9);
  bytes[4] = std::byte{0x3F};
  bytes[3] = std::byte{0x80};  // 1.0F from byte 1
  const at::Tensor tensor = to_tensor(TensorView{"F32", {2}, std::span(bytes).subspan(1)});
  bytes.assign(9, std::byte{0xFF});
  EXPECT_EQ(tensor[0].item<float>(), 1.0F);
  EXPECT_EQ(tensor[1].item<float>(), 0.0F);
}

TEST(TorchBridge, ScalarsAndEmptyTensors) {
  const std::vector<std::byte> four(4);
  EXPECT_EQ(to_tensor(TensorView{"F32", {}, four}).dim(), 0);
  EXPECT_EQ(to_tensor(TensorView{"F32", {0, 5}, {}}).sizes(), (std::vector<std::int64_t>{0, 5}));
}

TEST(TorchBridge, MatricesGoBothWays) {
  linalg::Matrix matrix(2, 3);
  matrix << 1, 2, 3, 4, 5, 6;
  const at::Tensor tensor = to_tensor(matrix);
  EXPECT_EQ(tensor[1][0].item<float>(), 4.0F);
  EXPECT_EQ(to_matrix(tensor), matrix);
  const at::Tensor halves = to_device(matrix.rightCols(2), at::TensorOptions(at::kHalf));
  EXPECT_EQ(halves.scalar_type(), at::kHalf);
  EXPECT_EQ(halves[1][1].item<float>(), 6.0F);
  EXPECT_EQ(to_matrix(tensor.t().to(at::kDouble)), linalg::Matrix(matrix.transpose()));
  EXPECT_EQ(to_tensor(linalg::ConstMatrixRef(matrix.rightCols(2)))[1][0].item<float>(), 5.0F);
  const std::vector<std::int64_t> numbers{7, -1};
  EXPECT_EQ(to_tensor(std::span<const std::int64_t>(numbers))[1].item<std::int64_t>(), -1);
}

TEST(TorchBridge, WhatDoesNotFitIsRefused) {
  const std::vector<std::byte> four(4);
  EXPECT_THROW(static_cast<void>(to_tensor(TensorView{"F4", {1}, four})), base::FormatError);
  EXPECT_THROW(static_cast<void>(to_tensor(TensorView{"F32", {2}, four})), base::ShapeError);
  EXPECT_THROW(static_cast<void>(to_tensor(TensorView{"F32", {UINT64_MAX, 0}, {}})), base::FormatError);
  EXPECT_THROW(static_cast<void>(to_view(at::zeros({2, 3}).t())), base::ShapeError);
  EXPECT_THROW(static_cast<void>(to_view(at::zeros({2}, at::kComplexFloat))), base::FormatError);
  EXPECT_THROW(static_cast<void>(to_matrix(at::zeros({2}))), base::ShapeError);
}

}  // namespace
}  // namespace larimar::model
