#include "shard/shard_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "common/base/error.h"
#include "common/linalg/nearest.h"
#include "tests/support/memory_rules.h"
#include "tests/unit/shard/random_context.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;

ShardMemory stored_memory(Index code_size, Index key_size) {
  return ShardMemory({.code_size = code_size, .key_size = key_size});
}

ShardMemory codebook_memory(Index code_size, const Matrix& codebook) {
  const support::NearestMemory nearest(codebook);
  return ShardMemory(
      {.rules = nearest.rules, .code_size = code_size, .key_size = codebook.cols(), .addresser = nearest.addresser});
}

TEST(ShardMemoryStored, WriteThenReadReturnsEveryCodeBitForBit) {
  const tests::RandomContext context({.segments = 500, .code_size = 24, .key_size = 32, .keys_per_segment = 3}, 1);
  ShardMemory memory = stored_memory(24, 32);
  memory.append(context.share(0, 2).batch());
  memory.append(context.share(1, 2).batch());
  memory.solve();
  memory.solve();
  const std::vector<wire::Candidate> found = memory.read_candidates(context.keys, 1);
  for (std::size_t row = 0; row < context.owner.size(); ++row) {
    const std::size_t segment = context.owner[row];
    ASSERT_EQ(found[row].segment, context.segments[segment].id) << "key " << row;
    const std::span<const float> code = memory.code(found[row].slot);
    EXPECT_TRUE(std::equal(code.begin(), code.end(), context.codes.row(static_cast<Index>(segment)).data()));
    EXPECT_EQ(memory.segment(found[row].slot).line, context.segments[segment].line);
  }
}

TEST(ShardMemoryStored, DuplicateKeysKeepTheirOwnCodes) {
  tests::RandomContext context({.segments = 4, .code_size = 3, .key_size = 5}, 2);
  context.keys.row(3) = context.keys.row(1);
  ShardMemory memory = stored_memory(3, 5);
  memory.append(context.batch());
  memory.solve();
  std::vector<wire::Candidate> found = memory.read_candidates(context.keys.row(3), 2);
  EXPECT_EQ(found[0].score, found[1].score);
  // Segment ids order by document first: segment 3 lies in document 0, segment 1 in document 1.
  EXPECT_EQ(found[0].segment, context.segments[3].id);
  EXPECT_EQ(found[1].segment, context.segments[1].id);
  EXPECT_EQ(memory.code(found[1].slot)[0], context.codes(1, 0));
}

TEST(ShardMemoryStored, AnEmptyShardAnswersWithAbsentValues) {
  ShardMemory memory = stored_memory(3, 5);
  EXPECT_EQ(memory.status(), wire::ReadStatus::kEmpty);
  memory.append(tests::RandomContext({.segments = 0, .code_size = 3, .key_size = 5}, 1).batch());
  memory.solve();
  EXPECT_THAT(memory.read_candidates(Matrix::Ones(2, 5), 2), testing::Each(wire::kAbsent));
}

TEST(ShardMemoryCodebook, EachSlotIsTheMeanOfTheCodesWrittenToItsRow) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const tests::RandomContext context(
        {.segments = 1 + seed * 13, .code_size = 6, .key_size = 8, .keys_per_segment = 2}, seed);
    const Matrix codebook = tests::random_unit_rows(9, 8, seed + 50);
    ShardMemory memory = codebook_memory(6, codebook);
    memory.append(context.share(0, 2).batch());
    memory.append(context.share(1, 2).batch());
    memory.solve();
    const SlotReads reads = memory.read_slots(codebook, 1, 3);
    const std::vector<std::uint32_t> row_of = linalg::nearest_rows(context.keys, codebook);
    for (std::uint32_t row = 0; row < 9; ++row) {
      linalg::MatrixF64 sum = linalg::MatrixF64::Zero(1, 6);
      std::uint64_t count = 0;
      for (std::size_t key = 0; key < row_of.size(); ++key) {
        if (row_of[key] != row) continue;
        sum += context.codes.row(static_cast<Index>(context.owner[key])).cast<double>();
        ++count;
      }
      EXPECT_EQ(reads.reads[row].row, row);
      ASSERT_EQ(reads.reads[row].count, count) << "seed " << seed << " row " << row;
      if (count > 0) sum /= static_cast<double>(count);
      // One rounding to float, plus double rounding of each addition.
      const double bound = (0x1p-24 + 256 * 0x1p-53) * static_cast<double>(context.codes.cwiseAbs().maxCoeff());
      EXPECT_LE((reads.codes.row(row).cast<double>() - sum).cwiseAbs().maxCoeff(), bound)
          << "seed " << seed << " row " << row;
    }
  }
}

TEST(ShardMemoryCodebook, MembersAreTheSegmentsOfTheRowNearestToTheQueryFirst) {
  const Matrix codebook{{1.0F, 0.0F}, {0.0F, 1.0F}};
  tests::RandomContext context({.segments = 4, .code_size = 2, .key_size = 2}, 3);
  context.keys = Matrix{{0.8F, 0.6F}, {1.0F, 0.0F}, {0.0F, 1.0F}, {0.96F, 0.28F}};
  ShardMemory memory = codebook_memory(2, codebook);
  memory.append(context.batch());
  memory.solve();
  const SlotReads reads = memory.read_slots(Matrix{{0.96F, 0.28F}}, 1, 4);
  EXPECT_EQ(reads.reads[0].count, 3U);
  EXPECT_EQ(reads.reads[0].score, 0.96F);
  EXPECT_EQ(reads.members[0].segment, context.segments[3].id);
  EXPECT_EQ(reads.members[1].segment, context.segments[1].id);
  EXPECT_EQ(reads.members[2].segment, context.segments[0].id);
  EXPECT_TRUE(wire::is_absent(reads.members[3])) << "segment 2 belongs to the other row";
  EXPECT_EQ(memory.segment(reads.members[0].slot).id, context.segments[3].id);
}

TEST(ShardMemoryCodebook, ARowThatNothingWasWrittenToReadsAsZero) {
  ShardMemory memory = codebook_memory(2, Matrix::Identity(2, 2));
  memory.solve();
  const SlotReads reads = memory.read_slots(Matrix{{0.0F, 1.0F}}, 1, 1);
  EXPECT_EQ(reads.reads[0].count, 0U);
  EXPECT_EQ(reads.reads[0].row, 1U);
  EXPECT_EQ(reads.codes, Matrix::Zero(1, 2));
  EXPECT_TRUE(wire::is_absent(reads.members[0]));
}

TEST(ShardMemory, RefusesABadBatchWholeAndNamesTheRow) {
  const tests::RandomContext good({.segments = 5, .code_size = 3, .key_size = 4}, 4);
  ShardMemory memory = stored_memory(3, 4);
  const auto refused = [&](const tests::RandomContext& context) -> std::string {
    try {
      memory.append(context.batch());
    } catch (const base::Error& error) {
      return error.what();
    }
    return "accepted";
  };
  tests::RandomContext bad = good;
  bad.codes(2, 1) = std::numeric_limits<float>::infinity();
  EXPECT_THAT(refused(bad), testing::HasSubstr("codes row 2, column 1"));
  bad = good;
  bad.keys(4, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refused(bad), testing::HasSubstr("write keys row 4"));
  bad = good;
  bad.owner[3] = 5;
  EXPECT_THAT(refused(bad), testing::HasSubstr("write key 3 belongs to segment 5"));
  bad = good;
  bad.owner[3] = 2;
  EXPECT_THAT(refused(bad), testing::HasSubstr("segment 3 of a batch has no write key"));
  bad = good;
  bad.segments[4].id = bad.segments[0].id;
  EXPECT_THAT(refused(bad), testing::HasSubstr("written twice"));
  bad = good;
  bad.codes = Matrix::Zero(4, 3);
  EXPECT_THAT(refused(bad), testing::HasSubstr("4 codes where 5"));
  bad = good;
  bad.codes = Matrix::Zero(5, 2);
  EXPECT_THAT(refused(bad), testing::HasSubstr("2 components a code where 3"));
  bad = good;
  bad.owner.pop_back();
  EXPECT_THAT(refused(bad), testing::HasSubstr("5 keys where 4"));
  bad = good;
  bad.keys = Matrix::Zero(5, 3);
  EXPECT_THAT(refused(bad), testing::HasSubstr("write keys have 3 components"));
  EXPECT_EQ(memory.size(), 0U);
  EXPECT_EQ(refused(good), "accepted");
  EXPECT_EQ(memory.size(), 5U);
}

TEST(ShardMemory, RefusesBadConfigurationsAndReadsThatDoNotExist) {
  EXPECT_THROW(stored_memory(0, 4), base::ShapeError);
  EXPECT_THROW(stored_memory(4, 0), base::ShapeError);
  const support::NearestMemory nearest(Matrix::Identity(2, 2));
  EXPECT_THROW(ShardMemory({.rules = nearest.rules, .code_size = 2, .key_size = 2}), base::ShapeError) << "no rows";
  EXPECT_THROW(ShardMemory({.code_size = 2, .key_size = 2, .addresser = nearest.addresser}), base::ShapeError)
      << "stored keys need no rows";
  EXPECT_THROW(ShardMemory({.rules = nearest.rules, .code_size = 2, .key_size = 3, .addresser = nearest.addresser}),
               base::ShapeError);

  ShardMemory stored = stored_memory(3, 4);
  stored.append(tests::RandomContext({.segments = 2, .code_size = 3, .key_size = 4}, 5).batch());
  EXPECT_THROW((void)stored.read_candidates(Matrix::Ones(1, 4), 1), base::Error) << "not solved yet";
  stored.solve();
  EXPECT_THROW((void)stored.read_slots(Matrix::Ones(1, 4), 1, 1), base::Error);
  EXPECT_THROW((void)stored.read_candidates(Matrix::Ones(1, 5), 1), base::ShapeError);
  ShardMemory codebook = codebook_memory(2, Matrix::Identity(2, 2));
  EXPECT_THROW((void)codebook.read_slots(Matrix::Ones(1, 3), 1, 1), base::ShapeError);
  EXPECT_THROW((void)codebook.code({0}), base::Error);
}

}  // namespace
}  // namespace larimar::shard
