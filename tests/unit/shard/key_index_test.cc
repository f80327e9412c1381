#include "shard/key_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "common/base/error.h"
#include "tests/unit/shard/random_context.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;
using tests::owners_of;

/// Every segment's best score, in double, the obvious way.
std::map<std::uint64_t, double> reference_scores(const tests::RandomContext& context, const Matrix& query) {
  std::map<std::uint64_t, double> best;
  for (std::size_t row = 0; row < context.owner.size(); ++row) {
    const double score = context.keys.row(static_cast<Index>(row)).cast<double>().dot(query.row(0).cast<double>());
    const auto [place, is_new] = best.try_emplace(context.segments[context.owner[row]].id.value, score);
    if (!is_new) place->second = std::max(place->second, score);
  }
  return best;
}

/// Scores of unit keys are off by at most this (docs/numerics.md).
double score_bound(Index key_size) { return 1.01 * (std::ceil(static_cast<double>(key_size) / 16.0) + 5.0) * 0x1p-24; }

TEST(KeyIndex, AgreesWithANaiveScanInDouble) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    const Index key_size = 1 + static_cast<Index>(random() % 100);
    const tests::RandomContext context(
        {.segments = 1 + random() % 300, .code_size = 1, .key_size = key_size, .keys_per_segment = 3}, seed);
    const std::size_t k = 1 + random() % 9;
    KeyIndex index(key_size, {.rows_per_chunk = 1 + random() % 100});
    index.append(context.keys, owners_of(context));
    const Matrix queries = tests::random_unit_rows(6, key_size, seed + 1000);
    const std::vector<wire::Candidate> found = index.scan(queries, k);
    ASSERT_EQ(found.size(), 6 * k);
    for (std::size_t q = 0; q < 6; ++q) {
      std::map<std::uint64_t, double> expected = reference_scores(context, queries.row(static_cast<Index>(q)));
      std::vector<double> sorted;
      for (const auto& [id, score] : expected) sorted.push_back(score);
      std::ranges::sort(sorted, std::greater<>());
      for (std::size_t rank = 0; rank < k; ++rank) {
        const wire::Candidate& candidate = found[q * k + rank];
        ASSERT_EQ(wire::is_absent(candidate), rank >= sorted.size()) << "seed " << seed;
        if (wire::is_absent(candidate)) continue;
        EXPECT_NEAR(static_cast<double>(candidate.score), expected.at(candidate.segment.value), score_bound(key_size))
            << "seed " << seed;
        EXPECT_NEAR(static_cast<double>(candidate.score), sorted[rank], score_bound(key_size))
            << "seed " << seed << " rank " << rank;
        EXPECT_EQ(context.segments[candidate.slot.value].id, candidate.segment);
      }
    }
  }
}

TEST(KeyIndex, BitsDependNeitherOnBatchingNorOnChunks) {
  const tests::RandomContext context({.segments = 333, .code_size = 1, .key_size = 77, .keys_per_segment = 2}, 9);
  const Matrix queries = tests::random_unit_rows(11, 77, 10);
  KeyIndex whole(77), pieces(77, {.rows_per_chunk = 7, .rows_per_piece = 13});
  whole.append(context.keys, owners_of(context));
  const std::vector<KeyOwner> owners = owners_of(context);
  for (Index row = 0; row < context.keys.rows(); row += 10) {
    const Index count = std::min<Index>(10, context.keys.rows() - row);
    pieces.append(context.keys.middleRows(row, count),
                  std::span(owners).subspan(static_cast<std::size_t>(row), static_cast<std::size_t>(count)));
  }
  const std::vector<wire::Candidate> together = whole.scan(queries, 5);
  EXPECT_EQ(pieces.scan(queries, 5), together);
  for (Index q = 0; q < queries.rows(); ++q) {
    const std::vector<wire::Candidate> alone = whole.scan(queries.row(q), 5);
    EXPECT_TRUE(std::ranges::equal(alone, std::span(together).subspan(static_cast<std::size_t>(q) * 5, 5)))
        << "query " << q;
  }
}

TEST(KeyIndex, EqualScoresGoToTheLowestSegmentWhateverTheOrderOfArrival) {
  const Matrix key{{0.6F, 0.8F}};
  for (const std::vector<std::uint64_t>& order : {std::vector<std::uint64_t>{4, 9, 2, 7}, {9, 7, 4, 2}, {2, 4, 7, 9}}) {
    KeyIndex index(2);
    for (std::uint32_t i = 0; i < 4; ++i)
      index.append(key, std::vector<KeyOwner>{{.slot = {i}, .segment = {order[i]}}});
    const std::vector<wire::Candidate> found = index.scan(key, 3);
    EXPECT_THAT((std::vector{found[0].segment.value, found[1].segment.value, found[2].segment.value}),
                testing::ElementsAre(2U, 4U, 7U));
  }
}

TEST(KeyIndex, ASegmentWithSeveralKeysComesOnceWithItsBest) {
  KeyIndex index(2);
  index.append(Matrix{{0.0F, 1.0F}, {1.0F, 0.0F}, {0.6F, 0.8F}},
               std::vector<KeyOwner>{
                   {.slot = {0}, .segment = {5}}, {.slot = {0}, .segment = {5}}, {.slot = {1}, .segment = {6}}});
  const std::vector<wire::Candidate> found = index.scan(Matrix{{1.0F, 0.0F}}, 3);
  EXPECT_EQ(found[0], (wire::Candidate{.score = 1.0F, .slot = {0}, .segment = {5}}));
  EXPECT_EQ(found[1], (wire::Candidate{.score = 0.6F, .slot = {1}, .segment = {6}}));
  EXPECT_TRUE(wire::is_absent(found[2]));
}

TEST(KeyIndex, ScanOfSomeRowsIsTheScanOfAnIndexThatHoldsOnlyThose) {
  const tests::RandomContext context({.segments = 40, .code_size = 1, .key_size = 20}, 3);
  const std::vector<KeyOwner> owners = owners_of(context);
  KeyIndex all(20), some(20);
  all.append(context.keys, owners);
  const std::vector<std::uint32_t> rows{3, 8, 21, 39};
  for (const std::uint32_t row : rows) some.append(context.keys.row(row), std::span(owners).subspan(row, 1));
  const Matrix query = tests::random_unit_rows(1, 20, 4);
  EXPECT_EQ(all.scan_rows(query, rows, 6), some.scan(query, 6));
}

TEST(KeyIndex, RefusesBadKeysByRowAndStaysAsItWas) {
  KeyIndex index(3);
  const std::vector<KeyOwner> two{{.slot = {0}, .segment = {1}}, {.slot = {1}, .segment = {2}}};
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3e38F}) {
    Matrix keys = Matrix::Constant(2, 3, 0.5F);
    keys(1, 2) = bad;
    try {
      index.append(keys, two);
      ADD_FAILURE() << bad << " was accepted";
    } catch (const base::NumericalError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("write keys row 1"));
    }
    EXPECT_THROW((void)index.scan(keys, 1), base::NumericalError);
  }
  EXPECT_EQ(index.rows(), 0U);
  EXPECT_THROW(index.append(Matrix::Zero(2, 4), two), base::ShapeError);
  EXPECT_THROW(index.append(Matrix::Zero(1, 3), two), base::ShapeError);
  EXPECT_THROW((void)index.scan(Matrix::Zero(1, 4), 1), base::ShapeError);
  EXPECT_THROW((void)index.scan(Matrix::Zero(1, 3), 0), base::ShapeError);
  EXPECT_THROW(KeyIndex(0), base::ShapeError);
  EXPECT_TRUE(wire::is_absent(index.scan(Matrix::Zero(1, 3), 1)[0])) << "an empty index has no candidates";
  EXPECT_TRUE(index.scan(Matrix(0, 3), 2).empty());
}

TEST(KeyIndex, ErasedSegmentsAreNotFoundAndTheOthersKeepTheirBits) {
  const tests::RandomContext context({.segments = 60, .code_size = 1, .key_size = 20, .keys_per_segment = 3}, 5);
  const Matrix queries = tests::random_unit_rows(4, 20, 6);
  KeyIndex index(20, {.rows_per_chunk = 16}), without(20, {.rows_per_chunk = 16});
  index.append(context.keys, owners_of(context));
  const std::vector<KeyOwner> owners = owners_of(context);
  const std::unordered_set<base::SegmentId> gone{context.segments[0].id, context.segments[31].id};
  for (std::size_t row = 0; row < owners.size(); ++row) {
    if (!gone.contains(owners[row].segment))
      without.append(context.keys.row(static_cast<Index>(row)), std::vector{owners[row]});
  }
  index.erase(gone);
  EXPECT_EQ(index.scan(queries, 60), without.scan(queries, 60));
  EXPECT_EQ(index.rows(), owners.size()) << "rows keep their numbers";
  std::vector<std::uint32_t> all(owners.size());
  for (std::uint32_t row = 0; row < all.size(); ++row) all[row] = row;
  EXPECT_EQ(index.scan_rows(queries.row(0), all, 60), index.scan(queries.row(0), 60));
  index.erase(gone);
  index.append(context.keys.row(0), std::vector{KeyOwner{{60}, context.segments[0].id}});
  EXPECT_EQ(index.scan(context.keys.row(0), 1)[0].slot.value, 60U) << "the id came again in a new slot";
}

TEST(KeyIndex, MatchesAreAllSegmentsAtOrAboveTheThreshold) {
  const tests::RandomContext context({.segments = 80, .code_size = 1, .key_size = 6, .keys_per_segment = 3}, 7);
  KeyIndex index(6, {.rows_per_chunk = 16});
  index.append(context.keys, owners_of(context));
  const Matrix query = tests::random_unit_rows(1, 6, 8);
  const std::vector<wire::Candidate> ranked = index.scan(query, 80);
  const float threshold = ranked[20].score;
  std::vector<base::SegmentId> expected;
  for (const wire::Candidate& candidate : ranked) {
    if (candidate.score >= threshold) expected.push_back(candidate.segment);
  }
  std::ranges::sort(expected);
  EXPECT_EQ(index.matches(query, threshold), expected) << "the threshold itself belongs to them, each segment once";
  index.erase({expected.front()});
  expected.erase(expected.begin());
  EXPECT_EQ(index.matches(query, threshold), expected);
  EXPECT_TRUE(index.matches(query, 1.5F).empty());
}

TEST(KeyIndex, RowsOfSlots) {
  KeyIndex index(2, {.rows_per_chunk = 3});
  const std::vector<KeyOwner> owners{{{0}, {10}}, {{0}, {10}}, {{1}, {11}}, {{2}, {12}}, {{1}, {11}}};
  index.append(Matrix::Ones(5, 2), owners);
  EXPECT_THAT(index.rows_of({base::SlotIndex{1}}), testing::ElementsAre(2, 4));
  EXPECT_THAT(index.rows_of({base::SlotIndex{2}, base::SlotIndex{0}}), testing::ElementsAre(0, 1, 3));
  EXPECT_TRUE(index.rows_of({base::SlotIndex{9}}).empty());
}

}  // namespace
}  // namespace larimar::shard
