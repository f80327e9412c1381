#include "shard/row_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;

constexpr std::size_t kHugePage = std::size_t{2} << 20;

Matrix numbered(std::size_t first, std::size_t rows, std::size_t width) {
  Matrix result(static_cast<Index>(rows), static_cast<Index>(width));
  for (Index r = 0; r < result.rows(); ++r)
    for (Index c = 0; c < result.cols(); ++c)
      result(r, c) =
          static_cast<float>((first + static_cast<std::size_t>(r)) % 4093 + 1) + 0.5F * static_cast<float>(c % 2);
  return result;
}

/// Appends in uneven parts, then compares all rows.
RowStore filled(std::size_t rows, std::size_t width, std::size_t rows_per_chunk) {
  RowStore store(width, rows_per_chunk);
  for (std::size_t at = 0; at < rows;) {
    const std::size_t count = std::min<std::size_t>(rows - at, 1 + at % 700);
    store.append(numbered(at, count, width));
    at += count;
  }
  for (std::size_t row = 0; row < rows; ++row) {
    const Matrix expected = numbered(row, 1, width);
    EXPECT_TRUE(std::ranges::equal(store.row(row), std::span(expected.data(), width))) << row;
  }
  return store;
}

TEST(RowStore, ChunksOfAHugePageAreFilledToTheirEnd) {
  for (const std::size_t width : {256U, 384U, 768U, 1000U}) {
    const RowStore store = filled(5000, width, 1024);
    const auto first = reinterpret_cast<std::uintptr_t>(store.row(0).data());
    EXPECT_EQ(first % kHugePage, 0U);
    const std::size_t unused = store.run(0, 5000).size_bytes() % kHugePage;
    EXPECT_TRUE(unused == 0 || kHugePage - unused < width * sizeof(float)) << "less than a row is left over";
  }
}

TEST(RowStore, SmallChunksTakeNoHugePage) {
  const RowStore store = filled(100, 8, 16);
  EXPECT_EQ(store.run(0, 100).size(), 16U * 8U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(store.row(0).data()) % 64, 0U);
}

}  // namespace
}  // namespace larimar::shard
