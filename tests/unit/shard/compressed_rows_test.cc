// The promise of compressed_rows.h: scores lie within their bounds, for keys and queries of any size, on every instruction set.
#include "shard/compressed_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <tuple>

#include "common/base/error.h"
#include "common/linalg/fixed_dot.h"
#include "shard/scan_kernels.h"
#include "tests/unit/shard/random_context.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;

/// Rows of very different make: normal, sparse, one large component, all equal, tiny, huge, zero, denormal.
Matrix strange_rows(Index rows, Index width, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Matrix result(rows, width);
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < width; ++c) result(r, c) = normal(random);
    switch (r % 9) {
      case 1:
        result.row(r) = (result.row(r).array() > 1.5F).select(result.row(r), 0.0F);
        break;
      case 2:
        result(r, static_cast<Index>(random() % static_cast<std::uint64_t>(width))) = 100.0F;
        break;
      case 3:
        result.row(r).setConstant(0.7F);
        break;
      case 4:
        result.row(r) *= 1e-25F;
        break;
      case 5:
        result.row(r) *= 1e15F;
        break;
      case 6:
        result.row(r).setZero();
        break;
      case 7:
        result.row(r) *= 1e-39F;
        break;
      default:
        result.row(r).normalize();
        break;
    }
  }
  return result;
}

float exact_score(std::span<const float> row, std::span<const float> query) {
  float score = 0.0F;
  linalg::dot_scores({.rows = row, .queries = query, .width = row.size(), .scores = {&score, 1}});
  return score;
}

std::span<const float> row_of(const Matrix& rows, Index r) {
  return {rows.row(r).data(), static_cast<std::size_t>(rows.cols())};
}

class CompressedRowsOn : public testing::TestWithParam<std::tuple<std::string, KeyStore>> {
 protected:
  CompressedRowsOn() { use_scan_target(std::get<0>(GetParam())); }
  ~CompressedRowsOn() override { use_scan_target({}); }
  static KeyStore store() { return std::get<1>(GetParam()); }
};

TEST_P(CompressedRowsOn, ScoresLieWithinTheirBounds) {
  double closest = 0;  // share of a bound that was used
  for (const Index width : {1, 3, 31, 64, 65, 100, 384, 768, 1000}) {
    const Matrix keys = strange_rows(90, width, 1), queries = strange_rows(27, width, 2);
    CompressedRows rows(store(), static_cast<std::size_t>(width), 37);
    rows.append(keys);
    ASSERT_EQ(rows.size(), 90U);
    const ScanBatch batch = rows.prepare_batch(queries);
    const std::size_t padded = batch.packed.padded();
    ScanScratch scratch;
    for (std::size_t first = 0; first < rows.size();) {
      const std::size_t count = rows.run(first, 16);
      const std::span<const float> bounds = rows.bounds(first, count);
      std::vector<float> alone(count), together(count * padded);
      if (store() == KeyStore::kFloat32)
        linalg::dot_batch({keys.row(static_cast<Index>(first)).data(), count * static_cast<std::size_t>(width)},
                          batch.packed, {}, together);
      else
        rows.score_batch(first, batch, scratch, together);
      for (Index q = 0; q < queries.rows(); ++q) {
        const ScanQuery query = rows.prepare(row_of(queries, q));
        if (store() != KeyStore::kFloat32) rows.score(first, query, alone);
        for (std::size_t i = 0; i < count; ++i) {
          const float in_batch = together[i * padded + static_cast<std::size_t>(q)];
          const double exact =
              static_cast<double>(exact_score(row_of(keys, static_cast<Index>(first + i)), row_of(queries, q)));
          const double bound =
              static_cast<double>(bounds[i]) * static_cast<double>(query.norm) + static_cast<double>(kLeastBound);
          for (const float score : {store() == KeyStore::kFloat32 ? in_batch : alone[i], in_batch}) {
            ASSERT_LE(std::abs(static_cast<double>(score) - exact), bound)
                << name_of(store()) << ", width " << width << ", row " << first + i << ", query " << q;
            closest = std::max(closest, std::abs(static_cast<double>(score) - exact) / bound);
          }
        }
      }
      first += count;
    }
  }
  // A bound that nothing comes near to would let scans find rows by the thousand. Rows of one component lose little.
  EXPECT_GT(closest, store() == KeyStore::kFloat32 ? 1e-4 : 0.1);
  std::cout << "share of a bound that was used, at most: " << closest << "\n";
}

INSTANTIATE_TEST_SUITE_P(Each, CompressedRowsOn,
                         testing::Combine(testing::ValuesIn(scan_targets()),
                                          testing::Values(KeyStore::kFloat32, KeyStore::kBFloat16, KeyStore::kInt8)),
                         [](const auto& test) { return std::get<0>(test.param) + name_of(std::get<1>(test.param)); });

TEST(CompressedRows, BoundsOfUnitKeysAreSmall) {
  const Matrix keys = tests::random_unit_rows(64, 768, 3);
  const std::pair<KeyStore, float> most[] = {
      {KeyStore::kFloat32, 2e-4F}, {KeyStore::kBFloat16, 3e-3F}, {KeyStore::kInt8, 1.5e-2F}};
  for (const auto& [store, limit] : most) {
    CompressedRows rows(store, 768);
    rows.append(keys);
    for (const float bound : rows.bounds(0, 64)) EXPECT_LT(bound, limit) << name_of(store);
  }
}

TEST(CompressedRows, AMappedFileHoldsTheSameAndLeavesNothingBehind) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "larimar-compressed-rows";
  std::filesystem::create_directories(folder);
  const Matrix keys = strange_rows(50, 100, 5);
  {
    CompressedRows memory(KeyStore::kInt8, 100, 16), file(KeyStore::kInt8, 100, 16, folder);
    memory.append(keys);
    file.append(keys);
    const ScanQuery query = memory.prepare(row_of(keys, 0));
    for (std::size_t first = 0; first < 50; first += memory.run(first, 16)) {
      std::vector<float> expected(memory.run(first, 16)), found(expected.size());
      memory.score(first, query, expected);
      file.score(first, query, found);
      EXPECT_EQ(found, expected);
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder)) << "the file has no name, so that no end of the process leaves it";
  }
  std::filesystem::remove(folder);
  CompressedRows nowhere(KeyStore::kInt8, 100, 16, folder / "absent");
  try {
    nowhere.append(keys);
    ADD_FAILURE() << "a folder that is not there was accepted";
  } catch (const base::IoError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("absent"), testing::HasSubstr("--key-folder")));
  }
}

TEST(KeyStore, NamesAreParsedAndOthersRefused) {
  for (const KeyStore store : {KeyStore::kFloat32, KeyStore::kBFloat16, KeyStore::kInt8})
    EXPECT_EQ(parse_key_store(name_of(store)), store);
  EXPECT_THROW((void)parse_key_store("int4"), base::UsageError);
}

}  // namespace
}  // namespace larimar::shard
