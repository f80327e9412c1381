// A search gives the same bits whatever the keys are stored as: those of the exact scan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "common/base/error.h"
#include "shard/key_index.h"
#include "shard/near_rows.h"
#include "shard/scan_kernels.h"
#include "tests/unit/shard/random_context.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;
using tests::owners_of;

std::vector<KeyOwner> owners_in_order(Index rows) {
  std::vector<KeyOwner> owners;
  for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(rows); ++i) owners.push_back({{i}, {i}});
  return owners;
}

/// One query at a time, which with float keys is the plain exact scan.
std::vector<wire::Candidate> one_by_one(const KeyIndex& index, const Matrix& queries, std::size_t k) {
  std::vector<wire::Candidate> all;
  for (Index q = 0; q < queries.rows(); ++q) {
    const auto found = index.scan(queries.row(q), k);
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

class KeyStores : public testing::TestWithParam<KeyStore> {
 protected:
  /// The same keys in an index with this store and in an exact one.
  void expect_equal_scans(const Matrix& keys, const std::vector<KeyOwner>& owners, const Matrix& queries, std::size_t k,
                          const std::unordered_set<base::SegmentId>& erased = {}) {
    KeyIndex exact(keys.cols());
    KeyIndex stored(keys.cols(), {.store = GetParam(), .rows_per_chunk = 50, .rows_per_piece = 77});
    for (KeyIndex* index : {&exact, &stored}) {
      index->append(keys, owners);
      index->erase(erased);
    }
    const std::vector<wire::Candidate> expected = one_by_one(exact, queries, k);
    EXPECT_EQ(stored.scan(queries, k), expected) << "together";
    EXPECT_EQ(one_by_one(stored, queries, k), expected) << "one by one";
    const Index some = std::min<Index>(queries.rows(), 3);
    EXPECT_EQ(stored.scan(queries.topRows(some), k),
              std::vector(expected.begin(),
                          expected.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(some) * k)));
  }
};

TEST_P(KeyStores, RandomContextsOfOddWidthsWithErasedSegments) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const Index width = 1 + static_cast<Index>(random() % 150);
    const tests::RandomContext context(
        {.segments = 1 + random() % 400, .code_size = 1, .key_size = width, .keys_per_segment = 3}, seed);
    std::unordered_set<base::SegmentId> erased;
    for (std::size_t i = 0; i < context.segments.size(); i += 4) erased.insert(context.segments[i].id);
    Matrix queries = tests::random_unit_rows(60, width, seed + 1000);
    queries.row(7) = context.keys.row(0);
    queries.row(8).setZero();
    expect_equal_scans(context.keys, owners_of(context), queries, 1 + random() % 9, erased);
  }
}

TEST_P(KeyStores, TiesGoToTheLowestSegmentWhateverTheOrderOfArrival) {
  const Matrix some = tests::random_unit_rows(5, 96, 3);
  Matrix keys(400, 96);
  std::vector<KeyOwner> owners;
  for (std::uint32_t r = 0; r < 400; ++r) {
    keys.row(r) = some.row(r % 5);
    owners.push_back({{r}, {1000 - r}});  // later rows have lower ids
  }
  expect_equal_scans(keys, owners, some, 7);
  KeyIndex stored(96, {.store = GetParam()});
  stored.append(keys, owners);
  EXPECT_EQ(stored.scan(some.row(0), 1)[0].segment.value, 1000U - 395U);
}

TEST_P(KeyStores, ScoresThatDifferInTheirLastBitsAreToldApart) {
  // Far below what bf16 or int8 can tell apart.
  const Matrix base = tests::random_unit_rows(1, 384, 5);
  Matrix keys = base.replicate(300, 1);
  std::mt19937 random(6);
  for (Index r = 0; r < 300; ++r) keys(r, static_cast<Index>(random() % 384U)) += static_cast<float>(r % 50) * 1e-6F;
  expect_equal_scans(keys, owners_in_order(300), Matrix(base.replicate(60, 1)), 10);
}

TEST_P(KeyStores, KeysAndQueriesOfVeryDifferentLengths) {
  Matrix keys = tests::random_unit_rows(300, 70, 8), queries = tests::random_unit_rows(60, 70, 9);
  std::mt19937 random(10);
  const float sizes[] = {1.0F, 1e-3F, 1e-12F, 1e-25F, 1e-38F, 1e6F, 1e17F, 0.0F};
  for (Index r = 0; r < 300; ++r) keys.row(r) *= sizes[random() % 8U];
  for (Index q = 0; q < 60; ++q) queries.row(q) *= sizes[q % 8];
  expect_equal_scans(keys, owners_in_order(300), queries, 4);
}

TEST_P(KeyStores, FewerSegmentsThanAskedForAndNone) {
  const Matrix keys = tests::random_unit_rows(3, 20, 11);
  expect_equal_scans(keys, owners_in_order(3), tests::random_unit_rows(60, 20, 12), 5);
  KeyIndex empty(20, {.store = GetParam()});
  EXPECT_TRUE(wire::is_absent(empty.scan(keys.row(0), 1)[0]));
  EXPECT_TRUE(wire::is_absent(empty.scan(Matrix(keys.replicate(30, 1)), 1)[89]));
}

TEST_P(KeyStores, RefusesNaNAndInfinityInKeysAndQueries) {
  KeyIndex index(70, {.store = GetParam()});
  index.append(tests::random_unit_rows(10, 70, 13), owners_in_order(10));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3e38F}) {
    for (const Index rows : {1, 60}) {
      Matrix keys = tests::random_unit_rows(rows, 70, 14);
      keys(rows - 1, 69) = bad;
      EXPECT_THROW(index.append(keys, owners_in_order(rows)), base::NumericalError);
      EXPECT_THROW((void)index.scan(keys, 1), base::NumericalError);
    }
  }
  EXPECT_EQ(index.rows(), 10U);
}

TEST_P(KeyStores, BorrowedKeysAreReadWhereTheyLie) {
  const Matrix keys = tests::random_unit_rows(200, 50, 15), queries = tests::random_unit_rows(20, 50, 16);
  const std::vector<KeyOwner> owners = owners_in_order(200);
  KeyIndex copied(50), mixed(50, {.store = GetParam(), .rows_per_chunk = 16});
  copied.append(keys, owners);
  const auto part = [&](Index first, Index count, Keep keep) {
    mixed.append(keys.middleRows(first, count),
                 std::span(owners).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), keep);
  };
  part(0, 70, Keep::kBorrow);
  part(70, 5, Keep::kCopy);
  part(75, 60, Keep::kBorrow);
  part(135, 65, Keep::kCopy);
  EXPECT_EQ(mixed.scan(queries, 6), one_by_one(copied, queries, 6));
  EXPECT_EQ(mixed.key(74).data() == keys.row(74).data(), false);
  EXPECT_EQ(mixed.key(75).data(), keys.row(75).data());
}

#ifdef __SANITIZE_ADDRESS__
constexpr Index kManyQueries = 300;  // sanitizers make a scan fifty times as slow
#else
constexpr Index kManyQueries = 10'000;
#endif

/// Keys like those of text: clusters of near relatives, and questions near to one of them.
TEST_P(KeyStores, ManyQueriesAgreeWithTheExactScan) {
  constexpr Index kKeys = 4000, kQueries = kManyQueries, kScored = std::min<Index>(kQueries, 1000), kWidth = 384;
  const Matrix centres = tests::random_unit_rows(200, kWidth, 17),
               noise = tests::random_unit_rows(kQueries, kWidth, 18);
  Matrix keys = tests::random_unit_rows(kKeys, kWidth, 19), queries(kQueries, kWidth);
  for (Index r = 0; r < kKeys; ++r) keys.row(r) = (centres.row(r % 200) + 0.4F * keys.row(r)).normalized();
  for (Index q = 0; q < kQueries; ++q) queries.row(q) = (keys.row(q * 7 % kKeys) + 0.8F * noise.row(q)).normalized();
  KeyIndex exact(kWidth), stored(kWidth, {.store = GetParam()});
  exact.append(keys, owners_in_order(kKeys));
  stored.append(keys, owners_in_order(kKeys));
  std::size_t agree = 0, same_bits = 0, scored = 0;
  for (Index q = 0; q < kQueries; ++q) {
    const wire::Candidate expected = exact.scan(queries.row(q), 1)[0], found = stored.scan(queries.row(q), 1)[0];
    agree += found.segment == expected.segment ? 1U : 0U;
    same_bits += found == expected ? 1U : 0U;
  }
  if (GetParam() != KeyStore::kFloat32) {
    const std::vector<KeyOwner> owners = owners_in_order(kKeys);
    RowStore floats(kWidth);
    floats.append(keys);
    for (Index q = 0; q < kScored; ++q)
      scored += near_rows({floats, stored.scanned(), owners}, queries.row(q), 1)[0].size();
    std::cout << "rows scored exactly for a query: " << static_cast<double>(scored) / static_cast<double>(kScored)
              << " of " << kKeys << "\n";
    EXPECT_LT(scored, static_cast<std::size_t>(kScored) * 40U);
  }
  EXPECT_EQ(agree, static_cast<std::size_t>(kQueries));
  EXPECT_EQ(same_bits, static_cast<std::size_t>(kQueries));
}

INSTANTIATE_TEST_SUITE_P(Each, KeyStores, testing::Values(KeyStore::kFloat32, KeyStore::kBFloat16, KeyStore::kInt8),
                         [](const auto& test) { return name_of(test.param); });

}  // namespace
}  // namespace larimar::shard
