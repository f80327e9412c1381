#include "common/linalg/fixed_dot.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace larimar::linalg {
namespace {

std::vector<float> random_floats(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

/// The documented order, written out in the plainest way.
float ordered_dot(std::span<const float> x, std::span<const float> y) {
  volatile float lane[kDotLanes] = {};
  for (std::size_t i = 0; i < x.size(); ++i) {
    const volatile float product = x[i] * y[i];  // volatile: no fused step, no vector
    lane[i % kDotLanes] = lane[i % kDotLanes] + product;
  }
  for (std::size_t half = kDotLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lane[j] = lane[j] + lane[j + half];
  }
  return lane[0];
}

TEST(FixedDot, EveryInstructionSetAndWidthGivesTheDocumentedBits) {
  constexpr std::size_t kRows = 7, kQueries = 9;  // neither a multiple of the kernel's four queries
  for (const std::size_t width : {1UL, 5UL, 15UL, 16UL, 17UL, 48UL, 100UL, 384UL, 769UL}) {
    const std::vector<float> rows = random_floats(kRows * width, 11);
    const std::vector<float> queries = random_floats(kQueries * width, 12);
    for (const Simd simd : available_simd()) {
      std::vector<float> scores(kRows * kQueries);
      dot_scores({.rows = rows, .queries = queries, .width = width, .scores = scores}, simd);
      for (std::size_t q = 0; q < kQueries; ++q) {
        for (std::size_t r = 0; r < kRows; ++r) {
          const float expected =
              ordered_dot(std::span(rows).subspan(r * width, width), std::span(queries).subspan(q * width, width));
          ASSERT_EQ(std::bit_cast<std::uint32_t>(scores[q * kRows + r]), std::bit_cast<std::uint32_t>(expected))
              << "width " << width << ", simd " << static_cast<int>(simd) << ", query " << q << ", row " << r;
        }
      }
    }
  }
}

TEST(FixedDot, StaysWithinTheDerivedBoundOfTheExactSum) {
  for (const std::size_t width : {3UL, 64UL, 384UL, 1000UL}) {
    const std::vector<float> x = random_floats(width, 21), y = random_floats(width, 22);
    float score = 0.0F;
    dot_scores({.rows = x, .queries = y, .width = width, .scores = {&score, 1}});
    double exact = 0.0, magnitude = 0.0;
    for (std::size_t i = 0; i < width; ++i) {
      exact += static_cast<double>(x[i]) * static_cast<double>(y[i]);
      magnitude += std::abs(static_cast<double>(x[i]) * static_cast<double>(y[i]));
    }
    // docs/numerics.md: one product, ceil(width/16) additions to a lane, four folds.
    const double steps = std::ceil(static_cast<double>(width) / 16.0) + 5.0;
    EXPECT_LE(std::abs(static_cast<double>(score) - exact), 1.01 * steps * 0x1p-24 * magnitude) << "width " << width;
  }
}

TEST(FixedDot, NoRowsAndNoQueriesWriteNothing) {
  const std::vector<float> some(8, 1.0F);
  dot_scores({.rows = {}, .queries = some, .width = 8, .scores = {}});
  dot_scores({.rows = some, .queries = {}, .width = 8, .scores = {}});
  EXPECT_EQ(available_simd().front(), Simd::kBaseline);
}

}  // namespace
}  // namespace larimar::linalg
