// The laws of shared slots: shards read together give what one process in double gives, empty shards and the order of replies
// change nothing, and what was forgotten was never written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/unit/coordinator/shared_slots.h"

namespace larimar::test {
namespace {

using linalg::Matrix;
using linalg::MatrixF64;
using tests::RandomContext;

constexpr std::uint64_t kSeed = 4'040;

RandomContext context_of(std::size_t segments, std::uint64_t seed = kSeed) {
  return RandomContext({.segments = segments, .code_size = kSize, .key_size = kSize, .keys_per_segment = 2}, seed);
}

/// Read keys: some of the context, some of nobody.
Matrix queries_of(const RandomContext& context) {
  Matrix keys = tests::random_unit_rows(9, kSize, kSeed + 1);
  keys.topRows(4) = context.keys.topRows(4);
  return keys;
}

double relative_error(const Matrix& found, const MatrixF64& expected) {
  return (found.cast<double>() - expected).norm() / expected.norm();
}

std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds = kinds_of_shared_slots(0.0), with_ridge = kinds_of_shared_slots(0.5);
  kinds.insert(kinds.end(), with_ridge.begin(), with_ridge.end());
  return kinds;
}

/// The best segments of all shards are the same bits.
void expect_same_members(const coordinator::SlotResult& found, const coordinator::SlotResult& expected) {
  ASSERT_EQ(found.members.winners.size(), expected.members.winners.size());
  for (std::size_t i = 0; i < expected.members.winners.size(); ++i) {
    EXPECT_EQ(found.members.winners[i].candidate.segment, expected.members.winners[i].candidate.segment) << i;
    EXPECT_EQ(found.members.winners[i].candidate.score, expected.members.winners[i].candidate.score) << i;
  }
}

TEST(SharedSlotsLaws, ShardsReadTogetherEqualOneProcessInDouble) {
  const RandomContext context = context_of(400);
  const Matrix queries = queries_of(context);
  for (const Kind& kind : all_kinds()) {
    const coordinator::SlotResult one = Shards(kind, context, 1).read(queries, 1);
    for (const std::size_t count : {1UL, 2UL, 3UL, 5UL, 8UL}) {
      SCOPED_TRACE(kind.name() + ", " + std::to_string(count) + " shards");
      const std::size_t empty = count / 3;
      const MatrixF64 expected = slow_read(kind, deal(context, count - empty), queries);
      const coordinator::SlotResult found = Shards(kind, context, count, empty).read(queries, count);
      ASSERT_GT(expected.norm(), 0);
      EXPECT_LE(relative_error(found.codes, expected), 1e-5);
      expect_same_members(found, one);
      EXPECT_EQ(found.members.participation.contributing.size(), count);
    }
  }
}

TEST(SharedSlotsLaws, TenThousandSegmentsStayWithinTheBound) {
  const RandomContext context = context_of(10'000);
  const Matrix queries = queries_of(context);
  for (const Kind& kind : kinds_of_shared_slots(0.0)) {
    if (kind.rules.solve != memory::Solve::kGlobal) continue;
    const MatrixF64 expected = slow_read(kind, {context}, queries);
    for (const std::size_t count : {1UL, 8UL})
      EXPECT_LE(relative_error(Shards(kind, context, count).read(queries, 3).codes, expected), 1e-5) << kind.name();
  }
}

TEST(SharedSlotsLaws, FewerSegmentsThanSlotsOrShards) {
  for (const std::size_t segments : {1UL, 2UL, 7UL}) {
    const RandomContext context = context_of(segments);
    const Matrix queries = tests::random_unit_rows(5, kSize, 9);
    for (const Kind& kind : all_kinds()) {
      for (const std::size_t count : {1UL, 3UL, 8UL}) {
        const MatrixF64 expected = slow_read(kind, deal(context, count), queries);
        const Matrix found = Shards(kind, context, count).read(queries, count).codes;
        EXPECT_TRUE(found.allFinite());
        // The next level multiplies the rounding of the shards' reads by their condition, which single segments leave open.
        if (kind.rules.aggregation == memory::Aggregation::kHierarchical) continue;
        EXPECT_LE((found.cast<double>() - expected).norm(), 1e-5 * expected.norm())
            << kind.name() << ", " << segments << " segments on " << count << " shards";
      }
    }
  }
}

TEST(SharedSlotsLaws, NothingWrittenIsReadAsZero) {
  for (const Kind& kind : all_kinds()) {
    const coordinator::SlotResult found = Shards(kind, context_of(0), 3).read(tests::random_unit_rows(2, kSize, 9), 1);
    EXPECT_TRUE(found.codes.isZero(0)) << kind.name();
    EXPECT_TRUE(wire::is_absent(found.members.winners[0].candidate)) << kind.name();
    EXPECT_EQ(found.members.participation.status, wire::ReadStatus::kEmpty) << kind.name();
  }
}

TEST(SharedSlotsLaws, AnEmptyShardChangesNothing) {
  const RandomContext context = context_of(200);
  const Matrix queries = queries_of(context);
  for (const Kind& kind : all_kinds()) {
    const coordinator::SlotResult without = Shards(kind, context, 3).read(queries, 1);
    const coordinator::SlotResult with = Shards(kind, context, 5, 2).read(queries, 2);
    expect_same_members(with, without);
    if (memory::is_solved_globally(
            kind.rules)) {  // an empty shard answers for rows of M, so products are added elsewhere
      EXPECT_LE(relative_error(with.codes, without.codes.cast<double>()), 1e-6) << kind.name();
    } else {
      EXPECT_EQ(with.codes, without.codes) << kind.name();
    }
  }
}

TEST(SharedSlotsLaws, TheOrderOfRepliesDoesNotChangeABit) {
  const RandomContext context = context_of(200);
  const Matrix queries = queries_of(context);
  for (const Kind& kind : all_kinds()) {
    const Shards shards(kind, context, 7, 1);
    const coordinator::SlotResult first = shards.read(queries, 1);
    for (std::uint64_t seed = 2; seed < 6; ++seed)
      EXPECT_EQ(shards.read(queries, seed).codes, first.codes) << kind.name();
  }
}

TEST(SharedSlotsLaws, ForgettingEqualsNeverHavingWritten) {
  for (std::uint64_t seed = kSeed; seed < kSeed + 25; ++seed) {
    const RandomContext context = context_of(60 + seed % 7, seed);
    const Matrix queries = queries_of(context);
    for (const Kind& kind : all_kinds()) {
      SCOPED_TRACE(kind.name() + ", seed " + std::to_string(seed));
      constexpr std::size_t kCount = 3;
      const std::size_t gone = seed % context.segments.size();
      Shards forgotten(kind, context, kCount);
      forgotten.owner(context.segments[gone].id).forget(std::vector{context.segments[gone].id});
      forgotten.solve();
      // The same shards, the segment left out: part `gone % kCount` without its row.
      Shards never(kind, context_of(0), kCount);
      for (std::size_t s = 0; s < kCount; ++s) {
        const RandomContext part = context.share(s, kCount);
        for (std::size_t i = 0; i < part.segments.size(); ++i) {
          if (s + i * kCount == gone) continue;
          const RandomContext one = part.share(i, part.segments.size());
          never[s].append(one.batch());
        }
      }
      never.solve();
      const coordinator::SlotResult found = forgotten.read(queries, 1), expected = never.read(queries, 1);
      expect_same_members(found, expected);
      EXPECT_LE(relative_error(found.codes, expected.codes.cast<double>()), 1e-6);
      for (std::size_t q = 0; q < found.reads.size(); ++q) EXPECT_EQ(found.reads[q].count, expected.reads[q].count);
    }
  }
}

TEST(SharedSlotsLaws, ForgettingEverythingIsAnEmptyMemory) {
  const RandomContext context = context_of(40);
  for (const Kind& kind : all_kinds()) {
    Shards shards(kind, context, 2);
    for (const shard::SegmentInfo& segment : context.segments) shards.owner(segment.id).forget(std::vector{segment.id});
    shards.solve();
    EXPECT_TRUE(shards.read(queries_of(context), 1).codes.isZero(0)) << kind.name();
  }
}

TEST(SharedSlotsLaws, WhatWasForgottenMayBeWrittenAgain) {
  const RandomContext context = context_of(90);
  const Matrix queries = queries_of(context);
  for (const Kind& kind : all_kinds()) {
    Shards shards(kind, context, 3);
    const coordinator::SlotResult before = shards.read(queries, 1);
    const RandomContext part = context.share(1, 3), one = part.share(4, part.segments.size());
    shards[1].forget(std::vector{one.segments[0].id});
    shards.solve();
    shards[1].append(one.batch());
    shards.solve();
    const coordinator::SlotResult after = shards.read(queries, 1);
    expect_same_members(after, before);
    EXPECT_LE(relative_error(after.codes, before.codes.cast<double>()), 1e-6) << kind.name();
    EXPECT_EQ(shards[1].live(), part.segments.size());
    EXPECT_EQ(shards[1].size(), part.segments.size() + 1) << "it has a slot of its own, the old one stays empty";
  }
}

TEST(SharedSlotsLaws, AnUnknownSegmentIsNamedAndNothingIsForgotten) {
  const RandomContext context = context_of(50);
  const Matrix queries = queries_of(context);
  for (const Kind& kind : all_kinds()) {
    Shards shards(kind, context, 2);
    const coordinator::SlotResult before = shards.read(queries, 1);
    const base::SegmentId known = context.share(0, 2).segments[3].id, unknown{987'654'321};
    try {
      shards[0].forget(std::vector{known, unknown});
      ADD_FAILURE() << "no error: " << kind.name();
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::ExitCode::kDegraded);
      EXPECT_THAT(error.what(), testing::HasSubstr("987654321"));
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr(std::to_string(known.value) + ",")));
    }
    EXPECT_EQ(shards.read(queries, 1).codes, before.codes) << kind.name();
    EXPECT_TRUE(shards[0].segments().find(known).has_value());
  }
}

TEST(SharedSlotsLaws, ATopkReadOfOneRowIsTheBestRowAndNotTheNearest) {
  // A long row has the greater dot product, a short one lies nearer.
  Matrix rows = Matrix::Zero(2, kSize);
  rows(0, 0) = 1.0F;
  rows(1, 0) = 3.0F;
  Kind kind;
  kind.rules = support::codebook_rules(memory::Addressing::kTopK, 2);
  kind.rules.top = 1;
  kind.addresser = support::addresser_of(rows, kind.rules);
  const Shards shards(kind, context_of(0), 1);
  EXPECT_EQ(shards.read(rows.topRows(1), 1).reads[0].row, 1U);
}

}  // namespace
}  // namespace larimar::test
