// The order of additions must not depend on where the rows are cut.
#include "train/tree_sum.h"

#include <gtest/gtest.h>

#include <cstring>

#include "common/base/error.h"
#include "common/base/random.h"

namespace larimar::train {
namespace {

constexpr std::size_t kLength = 5;

std::vector<std::vector<float>> random_rows(std::size_t count) {
  base::Random random(count);
  std::vector<std::vector<float>> rows(count, std::vector<float>(kLength));
  for (auto& row : rows) {
    for (float& value : row) value = static_cast<float>((random.uniform() - 0.5) * (random.below(2) == 0 ? 1e6 : 1.0));
  }
  return rows;
}

std::vector<float> sum_of(const std::vector<std::vector<float>>& rows, std::size_t first, std::size_t last) {
  if (last - first == 1) return rows[first];
  std::size_t half = 1;
  while (2 * half < last - first) half *= 2;
  std::vector<float> left = sum_of(rows, first, first + half);
  const std::vector<float> right = sum_of(rows, first + half, last);
  for (std::size_t i = 0; i < kLength; ++i) left[i] += right[i];
  return left;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(TreeSum, EvenPartsCoverAllAndAreEven) {
  for (std::size_t count = 0; count < 20; ++count) {
    for (std::size_t parts = 1; parts < 8; ++parts) {
      std::size_t next = 0;
      for (std::size_t part = 0; part < parts; ++part) {
        const Rows run = even_part(count, part, parts);
        EXPECT_EQ(run.first, next);
        EXPECT_LE(run.size(), count / parts + 1);
        EXPECT_GE(run.size(), count / parts);
        next = run.last;
      }
      EXPECT_EQ(next, count);
    }
  }
}

TEST(TreeSum, TheBitsAreThoseOfTheTreeHoweverTheRowsAreCut) {
  for (std::size_t leaves = 1; leaves <= 17; ++leaves) {
    const auto rows = random_rows(leaves);
    const std::vector<float> expected = sum_of(rows, 0, leaves);
    for (std::size_t parts = 1; parts <= leaves; ++parts) {
      TreeSum all(leaves, kLength);
      for (std::size_t part = 0; part < parts; ++part) {
        const Rows run = even_part(leaves, part, parts);
        TreeSum some(leaves, kLength);
        for (std::size_t row = run.first; row < run.last; ++row) some.push({row, row + 1}, rows[row]);
        const std::vector<float> sums = some.take();
        ASSERT_EQ(sums.size(), some.pieces(run) * kLength);
        all.push(run, sums);
      }
      EXPECT_TRUE(same_bits(all.take(), expected)) << leaves << " rows in " << parts << " parts";
    }
  }
}

TEST(TreeSum, AnotherOrderHasOtherBits) {
  const auto rows = random_rows(8);
  std::vector<float> straight = rows[0];
  for (std::size_t row = 1; row < rows.size(); ++row) {
    for (std::size_t i = 0; i < kLength; ++i) straight[i] += rows[row][i];
  }
  EXPECT_FALSE(same_bits(straight, sum_of(rows, 0, 8))) << "these rows would prove nothing";
}

TEST(TreeSum, RowsOutOfTurnOrOfAnotherLengthAreRefused) {
  EXPECT_THROW(TreeSum(0, 1), base::ConfigError);
  TreeSum sum(4, 2);
  const std::vector<float> row(2), longer(3);
  EXPECT_THROW(sum.push({0, 1}, longer), base::ShapeError);
  sum.push({0, 1}, row);
  EXPECT_THROW(sum.push({2, 3}, row), base::ShapeError);
  EXPECT_THROW(sum.push({1, 2}, longer), base::ShapeError);
  EXPECT_THROW(sum.push({3, 5}, longer), base::ShapeError);
}

}  // namespace
}  // namespace larimar::train
