// Every kernel on every instruction set that this processor runs, against the obvious loop in double.
#include "shard/scan_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>
#include <random>
#include <string>

#include "common/base/error.h"
#include "common/linalg/dot_batch.h"
#include "shard/hits.h"

namespace larimar::shard {
namespace {

float float_of(std::uint16_t bf16) { return std::bit_cast<float>(static_cast<std::uint32_t>(bf16) << 16U); }

class ScanKernels : public testing::TestWithParam<std::string> {
 protected:
  ScanKernels() { use_scan_target(GetParam()); }
  ~ScanKernels() override { use_scan_target({}); }

  float number() { return static_cast<float>(static_cast<int>(random_() % 2001U) - 1000) / 1000.0F; }
  std::vector<float> numbers(std::size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = number();
    return values;
  }
  std::vector<std::uint16_t> bf16_rows(std::size_t count) {
    std::vector<std::uint16_t> values(count);
    for (auto& value : values) value = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(number()) >> 16U);
    return values;
  }
  std::vector<std::int8_t> int8_rows(std::size_t count) {
    std::vector<std::int8_t> values(count);
    for (auto& value : values) value = static_cast<std::int8_t>(static_cast<int>(random_() % 255U) - 127);
    return values;
  }

  std::mt19937 random_{7};
};

constexpr std::size_t kWidths[] = {64, 128, 192, 384, 768, 1024, 4096};

TEST_P(ScanKernels, Bf16DotsAreThoseOfTheFloatsThatTheRowsStandFor) {
  for (const std::size_t width : kWidths) {
    for (const std::size_t rows : {0U, 1U, 2U, 7U, 33U}) {
      const std::vector<std::uint16_t> keys = bf16_rows(rows * width);
      const std::vector<float> plain = numbers(width);
      std::vector<float> query(width), scores(rows, std::nanf(""));
      for (std::size_t i = 0; i < width; ++i) query[i / 2 + (i % 2) * (width / 2)] = plain[i];
      dot_bf16(keys, query, scores);
      for (std::size_t r = 0; r < rows; ++r) {
        double exact = 0, size = 0;
        for (std::size_t i = 0; i < width; ++i) {
          const double product = static_cast<double>(float_of(keys[r * width + i])) * static_cast<double>(plain[i]);
          exact += product;
          size += std::abs(product);
        }
        EXPECT_NEAR(static_cast<double>(scores[r]), exact, size * static_cast<double>(width) * 0x1p-24)
            << width << " wide, row " << r;
      }
    }
  }
}

TEST_P(ScanKernels, Int8DotsAreExactToTheLimitOfTheirSums) {
  for (const std::size_t width : kWidths) {
    const int reach = static_cast<int>(std::min<std::size_t>(32767, 0x7FFFFFFFU / (127 * width)));
    std::vector<std::int8_t> keys = int8_rows(9 * width);
    std::vector<std::int16_t> query(width);
    for (std::size_t i = 0; i < width; ++i) {
      query[i] = static_cast<std::int16_t>(i % 2 == 0 ? reach : -reach);
      keys[i] = static_cast<std::int8_t>(i % 2 == 0 ? 127 : -127);  // row 0: the largest sum there can be
      keys[width + i] = static_cast<std::int8_t>(-keys[i]);         // row 1: the smallest
    }
    const std::vector<float> scales{1.0F, 1.0F, 0.5F, 0.25F, 0.0F, 2.0F, 1.0F, 1e-30F, 1.0F};
    std::vector<float> scores(9);
    dot_int8(keys, query, scales, 0.125F, scores);
    for (std::size_t r = 0; r < 9; ++r) {
      std::int64_t exact = 0;
      for (std::size_t i = 0; i < width; ++i) exact += std::int64_t{keys[r * width + i]} * query[i];
      EXPECT_EQ(scores[r], static_cast<float>(exact) * (0.125F * scales[r])) << width << " wide, row " << r;
    }
  }
}

TEST_P(ScanKernels, FindsExactlyThePlacesThatReachTheThreshold) {
  for (std::size_t count = 0; count < 70; ++count) {
    const std::vector<float> scores = numbers(count);
    std::vector<float> bounds(count);
    for (float& bound : bounds) bound = static_cast<float>(random_() % 5U) / 8.0F;
    for (const float threshold : {-std::numeric_limits<float>::infinity(), -0.25F, 0.5F, 1.3F, 9.0F}) {
      std::vector<std::uint32_t> found(count + 1, 0xFFFFFFFFU), expected;
      for (std::uint32_t r = 0; r < count; ++r) {
        if (std::fma(bounds[r], 0.75F, scores[r]) >= threshold) expected.push_back(r);
      }
      found.resize(find_reaching(scores, bounds, 0.75F, threshold, found));
      EXPECT_EQ(found, expected) << count << " places, threshold " << threshold;
    }
  }
}

TEST_P(ScanKernels, WidenedRowsAreTheFloatsThatTheyStandFor) {
  const std::vector<std::uint16_t> halves = bf16_rows(3 * 192);
  std::vector<float> wide(halves.size());
  widen_bf16(halves, wide);
  for (std::size_t i = 0; i < halves.size(); ++i) EXPECT_EQ(wide[i], float_of(halves[i])) << i;
  const std::vector<std::int8_t> bytes = int8_rows(3 * 192);
  std::vector<std::int16_t> integers(bytes.size());
  widen_int8(bytes, integers);
  for (std::size_t i = 0; i < bytes.size(); ++i) EXPECT_EQ(integers[i], bytes[i]) << i;
}

TEST_P(ScanKernels, BatchesOfFloatsAreTheDotsOfAllPairs) {
  for (const std::size_t width : {1U, 3U, 16U, 100U, 384U}) {
    for (const std::size_t rows : {0U, 1U, 5U, 6U, 7U, 25U}) {
      for (const std::size_t count : {1U, 2U, 16U, 33U}) {
        const std::vector<float> keys = numbers(rows * width), queries = numbers(count * width);
        const linalg::PackedVectors packed(std::span<const float>(queries), width);
        std::vector<float> scores(rows * packed.padded(), std::nanf(""));
        linalg::dot_batch(keys, packed, std::as_bytes(std::span(queries)), scores);
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t q = 0; q < packed.padded(); ++q) {
            double exact = 0;
            for (std::size_t i = 0; i < width && q < count; ++i)
              exact += static_cast<double>(keys[r * width + i]) * static_cast<double>(queries[q * width + i]);
            ASSERT_NEAR(static_cast<double>(scores[r * packed.padded() + q]), exact,
                        static_cast<double>(width) * static_cast<double>(width) * 0x1p-24)
                << width << " wide, row " << r << ", query " << q;
          }
        }
      }
    }
  }
}

TEST_P(ScanKernels, BatchesOfIntegersAreExactToTheLimitOfTheirSums) {
  for (const std::size_t width : {2U, 64U, 768U}) {
    const int reach = static_cast<int>(std::min<std::size_t>(32767, 0x7FFFFFFFU / (127 * width)));
    constexpr std::size_t kRows = 8, kCount = 19;
    const std::vector<std::int8_t> bytes = int8_rows(kRows * width);
    std::vector<std::int16_t> keys(bytes.begin(), bytes.end()), queries(kCount * width);
    for (std::int16_t& value : queries)
      value = static_cast<std::int16_t>(static_cast<int>(random_() % static_cast<unsigned>(2 * reach + 1)) - reach);
    for (std::size_t i = 0; i < width; ++i) {
      keys[i] = 127;
      queries[i] = static_cast<std::int16_t>(-reach);
    }
    const linalg::PackedVectors packed(std::span<const std::int16_t>(queries), width);
    const std::vector<float> scales = numbers(kRows);
    std::vector<float> factors = numbers(kCount), scores(kRows * packed.padded());
    factors.resize(packed.padded());
    linalg::dot_batch(keys, packed, {scales, factors}, {}, packed.padded(), scores.data());
    for (std::size_t r = 0; r < kRows; ++r) {
      for (std::size_t q = 0; q < kCount; ++q) {
        std::int64_t exact = 0;
        for (std::size_t i = 0; i < width; ++i) exact += std::int64_t{keys[r * width + i]} * queries[q * width + i];
        EXPECT_EQ(scores[r * packed.padded() + q], static_cast<float>(exact) * (factors[q] * scales[r]))
            << "row " << r << ", query " << q;
      }
    }
  }
}

TEST_P(ScanKernels, HitsAreExactlyThePairsThatReachTheirThresholds) {
  for (const std::size_t count : {1U, 16U, 40U}) {
    const linalg::PackedVectors shape(std::span<const float>(numbers(count)), 1);
    const std::size_t padded = shape.padded();
    for (const std::size_t rows : {0U, 1U, 7U, 48U}) {
      const std::vector<float> scores = numbers(rows * padded), bounds = numbers(rows), norms = numbers(padded);
      std::vector<float> thresholds = numbers(padded);
      for (std::size_t q = count; q < padded; ++q) thresholds[q] = std::numeric_limits<float>::infinity();
      thresholds[0] = -std::numeric_limits<float>::infinity();
      std::vector<Hit> hits(rows * padded);
      hits.resize(find_hits(scores, bounds, norms, thresholds, hits));
      std::size_t next = 0;
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t q = 0; q < padded; ++q) {
          if (!(std::fma(bounds[r], norms[q], scores[r * padded + q]) >= thresholds[q])) continue;
          ASSERT_LT(next, hits.size());
          EXPECT_EQ(hits[next].row, r);
          EXPECT_EQ(hits[next++].query, q);
        }
      }
      EXPECT_EQ(next, hits.size());
    }
  }
}

TEST_P(ScanKernels, ReadingIsTheSumOfAllWords) {
  for (const std::size_t words : {0U, 1U, 15U, 16U, 17U, 1000U}) {
    std::vector<std::uint64_t> values(words);
    for (auto& value : values) value = (std::uint64_t{random_()} << 32U) | random_();
    const std::uint64_t sum = std::accumulate(values.begin(), values.end(), std::uint64_t{0});
    for (const Fetch fetch : {Fetch::kPlain, Fetch::kAhead})
      EXPECT_EQ(read_bytes(std::as_bytes(std::span(values)), fetch), sum) << words << " words";
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ScanKernels, testing::ValuesIn(scan_targets()),
                         [](const auto& target) { return target.param; });

TEST(ScanTargets, TheBaselineRunsEverywhereAndWhatDoesNotRunHereIsSaid) {
  const std::vector<std::string> here = scan_targets(), compiled = compiled_scan_targets();
  EXPECT_THAT(here, testing::IsSubsetOf(compiled));
  EXPECT_FALSE(here.empty());
#if defined(__x86_64__)
  EXPECT_THAT(compiled, testing::IsSupersetOf({"AVX3_DL", "AVX3", "AVX2", "SSE4"}));
#endif
  for (const std::string& name : compiled) {
    if (std::ranges::find(here, name) == here.end())
      std::cout << "NOT TESTED on this processor: the kernels for " << name << "\n";
  }
  EXPECT_THROW(use_scan_target("AVX9"), base::ConfigError);
  use_scan_target({});
}

}  // namespace
}  // namespace larimar::shard
