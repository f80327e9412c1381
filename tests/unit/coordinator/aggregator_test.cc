#include "coordinator/aggregator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/error.h"

namespace larimar::coordinator {
namespace {

using base::ShardId;
using linalg::Matrix;
using testing::ElementsAre;
using testing::IsEmpty;
using wire::Candidate;
using wire::kAbsent;
using wire::ReadStatus;

Candidate candidate(float score, std::uint32_t slot, std::uint64_t segment) {
  return {.score = score, .slot = {slot}, .segment = {segment}};
}

TEST(MergeCandidates, TakesTheBestOfAllShardsAndTellsTheMargin) {
  const std::vector<Candidate> zero{candidate(0.5F, 1, 10), candidate(0.25F, 0, 11)};
  const std::vector<Candidate> one{candidate(0.75F, 7, 30), candidate(0.5F, 8, 2)};
  const std::vector<CandidateReply> replies{{.shard = {1}, .status = ReadStatus::kOk, .candidates = one},
                                            {.shard = {0}, .status = ReadStatus::kOk, .candidates = zero}};
  const MergedRead merged = merge_candidates(replies, {.queries = 1, .k = 2}, 2);
  EXPECT_EQ(merged.winners[0].candidate, one[0]);
  EXPECT_EQ(merged.winners[0].shard, ShardId{1});
  EXPECT_EQ(merged.winners[1].candidate, one[1]) << "equal scores go to the lowest segment, not to the lowest shard";
  EXPECT_EQ(merged.margin[0], 0.25F);
  EXPECT_THAT(merged.participation.contributing, ElementsAre(ShardId{0}, ShardId{1}));
  EXPECT_EQ(merged.participation.status, ReadStatus::kOk);
}

TEST(MergeCandidates, FillsUpWithAbsentAndHasNoMarginWithoutASecondSegment) {
  const std::vector<Candidate> zero{candidate(0.5F, 1, 10), kAbsent, kAbsent}, one(3, kAbsent);
  const std::vector<CandidateReply> replies{{.shard = {0}, .status = ReadStatus::kOk, .candidates = zero},
                                            {.shard = {1}, .status = ReadStatus::kEmpty, .candidates = one}};
  const MergedRead merged = merge_candidates(replies, {.queries = 1, .k = 3}, 3);
  EXPECT_EQ(merged.winners[0].candidate, zero[0]);
  EXPECT_TRUE(wire::is_absent(merged.winners[1].candidate) && wire::is_absent(merged.winners[2].candidate));
  EXPECT_EQ(merged.margin[0], std::nullopt);
}

TEST(MergeCandidates, ASegmentHeldTwiceCountsOnceAndIsNotItsOwnRival) {
  const std::vector<Candidate> both{candidate(0.5F, 1, 10), candidate(0.125F, 2, 12)};
  const std::vector<CandidateReply> replies{{.shard = {1}, .status = ReadStatus::kOk, .candidates = both},
                                            {.shard = {0}, .status = ReadStatus::kOk, .candidates = both}};
  const MergedRead merged = merge_candidates(replies, {.queries = 1, .k = 2}, 2);
  EXPECT_EQ(merged.winners[0].shard, ShardId{0});
  EXPECT_EQ(merged.winners[1].candidate, both[1]);
  EXPECT_EQ(merged.margin[0], 0.375F);
}

TEST(MergeCandidates, FailedAndDegradedShardsAreListed) {
  const std::vector<Candidate> one{candidate(0.5F, 0, 3)}, garbage{candidate(99.0F, 0, 1)};
  const std::vector<CandidateReply> replies{{.shard = {0}, .status = ReadStatus::kFailed, .candidates = garbage},
                                            {.shard = {1}, .status = ReadStatus::kDegraded, .candidates = one},
                                            {.shard = {2}, .status = ReadStatus::kFailed, .candidates = {}}};
  const MergedRead merged = merge_candidates(replies, {.queries = 1, .k = 1}, 1);
  EXPECT_EQ(merged.winners[0].candidate, one[0]) << "what a failed shard sent must not win";
  EXPECT_THAT(merged.participation.contributing, ElementsAre(ShardId{1}));
  EXPECT_THAT(merged.participation.degraded, ElementsAre(ShardId{1}));
  EXPECT_THAT(merged.participation.failed, ElementsAre(ShardId{0}, ShardId{2}));
  EXPECT_EQ(merged.participation.status, ReadStatus::kDegraded);
  const std::vector<CandidateReply> all_failed{replies[0], replies[2]};
  EXPECT_EQ(merge_candidates(all_failed, {.queries = 1, .k = 1}, 1).participation.status, ReadStatus::kFailed);
  const std::vector<Candidate> none{kAbsent};
  const std::vector<CandidateReply> all_empty{{.shard = {0}, .status = ReadStatus::kEmpty, .candidates = none}};
  EXPECT_EQ(merge_candidates(all_empty, {.queries = 1, .k = 1}, 1).participation.status, ReadStatus::kEmpty);
}

TEST(MergeCandidates, RefusesRepliesThatCannotBeRight) {
  const std::vector<Candidate> good{candidate(0.5F, 0, 3)}, nan{candidate(std::nanf(""), 0, 3)};
  const CandidateReply reply{.shard = {4}, .status = ReadStatus::kOk, .candidates = good};
  const ReadShape shape{.queries = 1, .k = 1};
  EXPECT_THROW((void)merge_candidates(std::vector{reply, reply}, shape, 1), base::CommError) << "one shard twice";
  EXPECT_THROW((void)merge_candidates(std::vector{reply}, {.queries = 2, .k = 1}, 1), base::CommError) << "too short";
  EXPECT_THROW((void)merge_candidates(
                   std::vector{CandidateReply{.shard = {4}, .status = ReadStatus::kOk, .candidates = nan}}, shape, 1),
               base::CommError);
  EXPECT_THROW((void)merge_candidates(std::vector{reply}, {.queries = 1, .k = 0}, 1), base::ShapeError);
  EXPECT_THROW((void)merge_candidates(std::vector{reply}, {.queries = 1, .k = 2}, 1), base::ShapeError)
      << "fewer asked than wanted";
}

/// Two queries; winners: query 0 from shard 1 then 0, query 1 from shard 1 and nothing else.
class Assemble : public testing::Test {
 protected:
  Assemble() {
    const std::vector<Candidate> zero{candidate(0.5F, 6, 10), kAbsent, kAbsent, kAbsent};
    const std::vector<Candidate> one{candidate(0.75F, 7, 30), kAbsent, candidate(0.25F, 8, 31), kAbsent};
    merged_ =
        merge_candidates(std::vector<CandidateReply>{{.shard = {0}, .status = ReadStatus::kOk, .candidates = zero},
                                                     {.shard = {1}, .status = ReadStatus::kOk, .candidates = one}},
                         {.queries = 2, .k = 2}, 2);
  }
  static wire::CodeRecord record(std::uint64_t segment, std::uint32_t shard) {
    return {.segment = {segment}, .byte_begin = segment * 2, .shard = {shard}};
  }
  MergedRead merged_;
  std::vector<wire::CodeRecord> zero_records_{record(10, 0)};
  std::vector<wire::CodeRecord> one_records_{record(30, 1), record(31, 1)};
  Matrix zero_codes_{{1.0F, 2.0F}};
  Matrix one_codes_{{3.0F, 4.0F}, {5.0F, 6.0F}};
};

TEST_F(Assemble, AsksEachShardForWhatItHoldsAndPutsTheCodesInPlace) {
  const std::vector<wire::CodeRequest> requests = code_requests(merged_, {1});
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].slot, base::SlotIndex{7});
  EXPECT_EQ(requests[1].query, 1U);
  EXPECT_EQ(requests[1].rank, 0U);
  EXPECT_THAT(code_requests(merged_, {5}), IsEmpty());
  const std::vector<CodeReply> replies{{.shard = {1}, .records = one_records_, .codes = one_codes_},
                                       {.shard = {0}, .records = zero_records_, .codes = zero_codes_}};
  const ReadResult result = assemble(merged_, replies, 2);
  EXPECT_EQ(result.codes, (Matrix{{3.0F, 4.0F}, {1.0F, 2.0F}, {5.0F, 6.0F}, {0.0F, 0.0F}}));
  EXPECT_EQ(result.records[1].byte_begin, 20U);
  EXPECT_EQ(result.records[3].status, ReadStatus::kEmpty);
  EXPECT_EQ(result.participation.status, ReadStatus::kOk);
}

TEST_F(Assemble, AShardLostBetweenTheStepsIsListedAndItsCodesAreZero) {
  const std::vector<CodeReply> replies{{.shard = {0}, .records = zero_records_, .codes = zero_codes_}};
  const ReadResult result = assemble(merged_, replies, 2);
  EXPECT_EQ(result.codes, (Matrix{{0.0F, 0.0F}, {1.0F, 2.0F}, {0.0F, 0.0F}, {0.0F, 0.0F}}));
  EXPECT_EQ(result.records[0].status, ReadStatus::kFailed);
  EXPECT_THAT(result.participation.failed, ElementsAre(ShardId{1}));
  EXPECT_THAT(result.participation.contributing, ElementsAre(ShardId{0}));
  EXPECT_EQ(result.participation.status, ReadStatus::kDegraded);
}

TEST_F(Assemble, RefusesAnswersToOtherQuestions) {
  const auto assemble_one = [&] {
    (void)assemble(merged_, std::vector<CodeReply>{{.shard = {1}, .records = one_records_, .codes = one_codes_}}, 2);
  };
  EXPECT_NO_THROW(assemble_one());
  one_records_[1].segment = {32};
  EXPECT_THROW(assemble_one(), base::CommError);
  one_records_.pop_back();
  EXPECT_THROW(assemble_one(), base::CommError);
  one_records_ = {record(30, 1), record(31, 1)};
  one_codes_ = Matrix::Zero(2, 3);
  EXPECT_THROW(assemble_one(), base::CommError);
}

TEST(CombineSlots, RefusesDifferentCodebooksBadWidthsAndNegativeRidge) {
  const std::vector<wire::SlotRead> row_one{{.count = 1, .row = 1, .score = 0.5F}},
      row_two{{.count = 1, .row = 2, .score = 0.5F}};
  const std::vector<Candidate> none{kAbsent};
  const Matrix code = Matrix::Ones(1, 3);
  const SlotReply zero{.shard = {0}, .status = ReadStatus::kOk, .reads = row_one, .codes = code, .members = none};
  const SlotReply one{.shard = {1}, .status = ReadStatus::kOk, .reads = row_two, .codes = code, .members = none};
  SlotCombination combination{.shape = {.queries = 1, .k = 1}, .asked = 1, .code_size = 3};
  combination.rules.aggregation = memory::Aggregation::kSum;
  EXPECT_THROW((void)combine_slots(std::vector{zero, one}, combination), base::CommError);
  EXPECT_EQ(combine_slots(std::vector{zero}, combination).codes, code);
  combination.code_size = 4;
  EXPECT_THROW((void)combine_slots(std::vector{zero}, combination), base::CommError);
  combination.code_size = 3;
  combination.rules.ridge = -1.0;
  EXPECT_THROW((void)combine_slots(std::vector{zero}, combination), base::ConfigError);
}

}  // namespace
}  // namespace larimar::coordinator
