#include "common/wire/read.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>

#include "common/base/error.h"

namespace larimar::wire {
namespace {

TEST(ReadWire, HeaderBytesAreWhatTheGrammarSays) {
  const ReadHeader header{
      .kind = ReadKind::kCodes, .status = ReadStatus::kDegraded, .shard = {5}, .rows = 7, .columns = 768, .step = 9};
  const auto bytes = std::bit_cast<std::array<unsigned char, sizeof(ReadHeader)>>(header);
  const std::array<unsigned char, sizeof(ReadHeader)> expected{'L', 'A', 'R', 'D', 1, 0, 4, 0, 2, 0, 0, 0, 5, 0, 0, 0,
                                                               7,   0,   0,   0,   0, 3, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(bytes, expected);
}

TEST(ReadWire, AGoodHeaderPassesWhateverItsShardAndStatus) {
  const ReadHeader expected{.kind = ReadKind::kCandidates, .rows = 2, .columns = 4, .step = 1};
  ReadHeader received = expected;
  received.shard = {3};
  received.status = ReadStatus::kFailed;
  EXPECT_NO_THROW(check_header(received, expected));
}

TEST(ReadWire, EveryDamagedFieldIsRefusedByName) {
  const ReadHeader good{.kind = ReadKind::kCandidates, .shard = {3}, .rows = 2, .columns = 4, .step = 1};
  const auto refused_for = [&](auto change) {
    ReadHeader bad = good;
    change(bad);
    try {
      check_header(bad, good);
    } catch (const base::CommError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused_for([](ReadHeader& h) { h.magic = 0; }), testing::HasSubstr("shard 3 has magic number 0"));
  EXPECT_THAT(refused_for([](ReadHeader& h) { h.version = 2; }), testing::HasSubstr("version 2"));
  EXPECT_THAT(refused_for([](ReadHeader& h) { h.kind = ReadKind::kCodes; }), testing::HasSubstr("kind 4"));
  EXPECT_THAT(refused_for([](ReadHeader& h) { h.step = 0; }), testing::HasSubstr("step 0"));
  EXPECT_THAT(refused_for([](ReadHeader& h) { h.rows = 3; }), testing::HasSubstr("row count 3"));
  EXPECT_THAT(refused_for([](ReadHeader& h) { h.columns = 5; }), testing::HasSubstr("column count 5"));
  EXPECT_THAT(refused_for([](ReadHeader& h) { h.status = static_cast<ReadStatus>(4); }),
              testing::HasSubstr("status 4"));
}

TEST(ReadWire, CandidatesAreOrderedByScoreThenSegmentAndAbsentComesLast) {
  const Candidate low{.score = 0.1F, .slot = {0}, .segment = {1}}, high{.score = 0.9F, .slot = {0}, .segment = {8}};
  const Candidate high_earlier{.score = 0.9F, .slot = {4}, .segment = {7}},
      worst{.score = -3e38F, .slot = {0}, .segment = {9}};
  EXPECT_TRUE(ranks_before(high, low));
  EXPECT_TRUE(ranks_before(high_earlier, high));
  EXPECT_FALSE(ranks_before(high, high_earlier));
  EXPECT_TRUE(ranks_before(worst, kAbsent));
  EXPECT_TRUE(is_absent(kAbsent) && is_absent(Candidate{}) && !is_absent(worst));
  EXPECT_FALSE(ranks_before(kAbsent, kAbsent));
}

}  // namespace
}  // namespace larimar::wire
