#include "train/batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>
#include <vector>

#include "tests/unit/train/support.h"

namespace larimar::train {
namespace {

using Batch = std::vector<std::uint32_t>;

constexpr std::size_t kGroup = 4, kBatchTokens = 64;

class BatchStreamTest : public ::testing::Test {
 protected:
  /// As many segments as asked for, of 1 to 15 tokens.
  const SegmentFile& segments(std::size_t count) {
    std::vector<std::vector<std::uint16_t>> made;
    for (std::size_t i = 0; i < count; ++i) made.emplace_back(1 + i * 7 % 15, static_cast<std::uint16_t>(i));
    file_.emplace_back(folder_.write("x.segments", test::segment_file_bytes(made)));
    return file_.back();
  }
  static std::size_t padded(const SegmentFile& file, std::uint32_t i) {
    return (file[i].size() + 1 + kGroup - 1) / kGroup * kGroup;
  }

  test::TemporaryFolder folder_;
  std::deque<SegmentFile> file_;  // references stay valid
};

TEST_F(BatchStreamTest, ABatchHasOnePaddedLengthAndALengthOneSize) {
  const SegmentFile& file = segments(500);
  BatchStream stream(file, 1, kBatchTokens, kGroup, {});
  for (int i = 0; i < 200; ++i) {
    const Batch batch = stream.next();
    ASSERT_FALSE(batch.empty());
    const std::size_t length = padded(file, batch[0]);
    EXPECT_EQ(batch.size(), kBatchTokens / length);
    for (const std::uint32_t member : batch) EXPECT_EQ(padded(file, member), length);
  }
}

TEST_F(BatchStreamTest, AnEpochShowsNoSegmentTwiceAndNearlyAll) {
  const SegmentFile& file = segments(40000);  // two pools
  BatchStream stream(file, 3, kBatchTokens, kGroup, {});
  std::set<std::uint32_t> seen;
  std::size_t shown = 0;
  for (;;) {
    const Batch batch = stream.next();
    if (stream.position().epoch > 0) break;
    shown += batch.size();
    seen.insert(batch.begin(), batch.end());
  }
  EXPECT_EQ(seen.size(), shown);
  EXPECT_GT(shown, 39900U);  // less than one batch is left over in each class of each pool
}

TEST_F(BatchStreamTest, TheSeedDecidesAndEpochsDiffer) {
  const SegmentFile& file = segments(300);
  BatchStream one(file, 5, kBatchTokens, kGroup, {}), same(file, 5, kBatchTokens, kGroup, {}),
      other(file, 6, kBatchTokens, kGroup, {});
  std::vector<Batch> first, second;
  std::size_t differences = 0;
  while (one.position().epoch < 2) {
    const Batch batch = one.next();
    EXPECT_EQ(batch, same.next());
    if (batch != other.next()) ++differences;
    if (one.position().epoch < 2) (one.position().epoch == 0 ? first : second).push_back(batch);
  }
  EXPECT_GT(differences, 20U);
  EXPECT_NE(first, second);
}

TEST_F(BatchStreamTest, ItGoesOnFromAnyPosition) {
  const SegmentFile& file = segments(33000);  // the end of a pool and of an epoch are passed
  BatchStream whole(file, 9, 1024, kGroup, {});
  std::vector<Batch> batches;
  std::vector<StreamPosition> after{whole.position()};
  while (whole.position().epoch < 1 || batches.size() % 7 != 0) {
    batches.push_back(whole.next());
    after.push_back(whole.position());
  }
  for (std::size_t start = 0; start + 3 < batches.size(); start += start + 60 < batches.size() ? 53U : 1U) {
    BatchStream resumed(file, 9, 1024, kGroup, after[start]);
    for (std::size_t i = start; i < start + 3; ++i) ASSERT_EQ(resumed.next(), batches[i]) << "from batch " << start;
  }
}

TEST_F(BatchStreamTest, APositionOfSmallerBatchesGoesOnWithTheNextPool) {
  const SegmentFile& file = segments(33000);
  BatchStream small(file, 9, kBatchTokens, kGroup, {});
  while (small.position().batch < 5000) static_cast<void>(small.next());
  BatchStream large(file, 9, 4096, kGroup, small.position());
  BatchStream next(file, 9, 4096, kGroup, {.epoch = 0, .pool = 1, .batch = 0});
  EXPECT_EQ(large.next(), next.next());
  EXPECT_EQ(large.position().pool, 1U);
  EXPECT_EQ(large.position().batch, 1U);
}

TEST_F(BatchStreamTest, FewerSegmentsThanABatchStillGiveBatches) {
  const SegmentFile& file = segments(3);
  BatchStream stream(file, 1, 4096, kGroup, {});
  std::multiset<std::uint32_t> seen;
  while (stream.position().epoch == 0) {
    const Batch batch = stream.next();
    if (stream.position().epoch == 0) seen.insert(batch.begin(), batch.end());
  }
  EXPECT_THAT(seen, ::testing::ElementsAre(0U, 1U, 2U));
  EXPECT_THROW(BatchStream(segments(0), 1, 64, kGroup, {}), base::MissingInputError);
}

Alphabet small_alphabet() {
  return {.digits = {10, 11}, .characters = {20, 21, 22}, .first_piece = 3, .vocabulary = 100};
}

std::vector<std::uint16_t> corrupted(std::size_t size, std::size_t limit, const Corruption& shares,
                                     base::Random& random) {
  std::vector<std::uint16_t> tokens(size, 50);
  corrupt(tokens, limit, small_alphabet(), shares, random);
  return tokens;
}

TEST(Corrupt, KeepsTheLimitAndGivesValidIds) {
  base::Random random(2);
  for (int round = 0; round < 4000; ++round) {
    const std::size_t limit = 1 + random.below(30), size = 1 + random.below(limit);
    const auto tokens = corrupted(size, limit, {0.4, 0.3, 0.3}, random);
    ASSERT_GE(tokens.size(), 1U);
    ASSERT_LE(tokens.size(), limit);
    for (const std::uint16_t token : tokens) ASSERT_TRUE(token >= 3 && token < 100) << token;
  }
}

TEST(Corrupt, EachKindDoesWhatItsNameSays) {
  base::Random random(4);
  std::set<std::uint16_t> pieces;
  for (int round = 0; round < 300; ++round) {
    EXPECT_EQ(corrupted(12, 30, {0, 0, 0}, random), std::vector<std::uint16_t>(12, 50));
    for (const std::uint16_t token : corrupted(12, 30, {1, 0, 0}, random)) pieces.insert(token);
    const auto digits = corrupted(12, 60, {0, 1, 0}, random), characters = corrupted(12, 60, {0, 0, 1}, random);
    EXPECT_EQ(std::ranges::count(digits, 50), 12);  // there was room: nothing is lost
    EXPECT_GT(digits.size(), 12U);
    for (const std::uint16_t token : digits) EXPECT_TRUE(token == 50 || token == 10 || token == 11);
    for (const std::uint16_t token : characters) EXPECT_TRUE(token == 50 || (token >= 20 && token <= 22));
  }
  EXPECT_EQ(*pieces.begin(), 3);
  EXPECT_EQ(*pieces.rbegin(), 99);
}

TEST(Corrupt, SharesAreKept) {
  base::Random random(6);
  int changed = 0;
  for (int round = 0; round < 4000; ++round) changed += corrupted(12, 30, {0, 0.2, 0.1}, random).size() > 12 ? 1 : 0;
  EXPECT_NEAR(changed, 1200, 120);
}

}  // namespace
}  // namespace larimar::train
