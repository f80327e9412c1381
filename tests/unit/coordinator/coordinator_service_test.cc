#include "coordinator/coordinator_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "common/wire/merged.h"
#include "common/wire/message.h"
#include "tests/support/memory_rules.h"

namespace larimar::coordinator {
namespace {

using wire::ReadKind;
using wire::ReadStatus;

constexpr std::size_t kShards = 3, kCode = 2;
const linalg::Matrix kKeys = linalg::Matrix::Ones(2, 4);

wire::ReadPlan read_plan(bool codebook = false) {
  return {.queries = 2,
          .k = 2,
          .asked = 2,
          .key_size = 4,
          .code_size = kCode,
          .form = codebook ? wire::ReadForm::kSlots : wire::ReadForm::kCodes,
          .step = 6,
          .route = wire::ProposalRoute::kGathered};
}

wire::ReadHeader header(ReadKind kind, std::uint32_t shard, std::uint32_t rows, std::uint32_t columns,
                        ReadStatus status = ReadStatus::kOk) {
  return {.kind = kind, .status = status, .shard = {shard}, .rows = rows, .columns = columns, .step = 6};
}

wire::Candidate candidate(float score, std::uint32_t slot, std::uint64_t segment) { return {score, {slot}, {segment}}; }

/// Stored proposals of three shards: the first query's best two are segments 20 (shard 1) and 10 (shard 0), the second's
/// only one is 30 (shard 2).
std::vector<std::byte> proposals(ReadStatus last = ReadStatus::kOk) {
  const std::vector<wire::Candidate> none{wire::kAbsent, wire::kAbsent};
  const std::vector<std::vector<wire::Candidate>> of_shards{
      {candidate(0.5F, 7, 10), wire::kAbsent, wire::kAbsent, wire::kAbsent},
      {candidate(0.75F, 1, 20), candidate(0.25F, 0, 15), wire::kAbsent, wire::kAbsent},
      {wire::kAbsent, wire::kAbsent, candidate(0.125F, 4, 30), wire::kAbsent}};
  std::vector<std::byte> all;
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    const auto bytes = wire::pack<wire::Candidate>(
        header(ReadKind::kCandidates, shard, 2, 2, shard == 2 ? last : ReadStatus::kOk), of_shards[shard], {});
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

wire::CodeRecord record(std::uint32_t shard, std::uint32_t slot, std::uint64_t segment) {
  return {.segment = {segment},
          .byte_begin = segment,
          .byte_end = segment + 5,
          .line = segment / 5,
          .document = 0,
          .shard = {shard},
          .slot = {slot}};
}

std::vector<std::byte> codes(bool with_last = true) {
  std::vector<std::byte> all;
  const auto add = [&all](std::uint32_t shard, std::vector<wire::CodeRecord> records,
                          const std::vector<float>& floats) {
    const auto bytes = wire::pack<wire::CodeRecord>(
        header(ReadKind::kCodes, shard, static_cast<std::uint32_t>(records.size()), kCode), records, floats);
    all.insert(all.end(), bytes.begin(), bytes.end());
  };
  add(0, {record(0, 7, 10)}, {1.0F, 2.0F});
  add(1, {record(1, 1, 20)}, {3.0F, 4.0F});
  if (with_last) add(2, {record(2, 4, 30)}, {5.0F, 6.0F});  // otherwise nothing was chosen from it
  return all;
}

TEST(CoordinatorService, ChoosesTheBestOfAllShardsAndPutsTheirCodesInPlace) {
  CoordinatorService service(kShards, {});
  const auto chosen = service.choose(read_plan(), kKeys, proposals());
  ASSERT_EQ(chosen.size(), 4U);
  EXPECT_EQ(chosen[0].shard.value, 1U);
  EXPECT_EQ(chosen[0].slot.value, 1U);
  EXPECT_EQ(chosen[1].shard.value, 0U);
  EXPECT_EQ(chosen[1].slot.value, 7U);
  EXPECT_EQ(chosen[2].shard.value, 2U);
  EXPECT_GE(chosen[3].shard.value, kShards) << "nobody has a second one";
  EXPECT_THAT(CoordinatorService::chosen_per_shard(chosen, kShards), testing::ElementsAre(1, 1, 1));

  const BatchRead read = service.assemble(read_plan(), codes());
  EXPECT_EQ(read.reads, 2U);
  EXPECT_TRUE(read.z_read == (linalg::Matrix{{3.0F, 4.0F}, {1.0F, 2.0F}, {5.0F, 6.0F}, {0.0F, 0.0F}}));
  EXPECT_EQ(read.records[0].segment.value, 20U);
  EXPECT_EQ(read.records[3].status, ReadStatus::kEmpty);
  EXPECT_EQ(read.scores[0], 0.75F);
  EXPECT_EQ(read.margin[0], 0.25F);
  EXPECT_FALSE(read.margin[1].has_value());
  EXPECT_THAT(read.weights, testing::ElementsAre(1.0, 0.0, 1.0, 0.0));
  EXPECT_EQ(read.participation.contributing.size(), kShards);
}

/// The same proposals as they arrive when they were merged on their way.
std::vector<std::byte> merged(const wire::ReadPlan& plan, ReadStatus last = ReadStatus::kOk) {
  const std::vector<std::byte> all = proposals(last);
  const std::size_t size = wire::proposal_bytes(plan);
  const auto one = [&](std::size_t i) { return wire::merged_of_one(plan, std::span(all).subspan(i * size, size)); };
  return wire::merge(plan, one(0), wire::merge(plan, one(1), one(2)));
}

TEST(CoordinatorService, MergedProposalsAreReadAsGatheredOnes) {
  for (const ReadStatus last : {ReadStatus::kOk, ReadStatus::kFailed, ReadStatus::kDegraded, ReadStatus::kEmpty}) {
    wire::ReadPlan plan = read_plan();
    CoordinatorService gathered(kShards, {}), other(kShards, {});
    const auto expected = gathered.choose(plan, kKeys, proposals(last));
    plan.route = wire::ProposalRoute::kMerged;
    const auto found = other.choose(plan, kKeys, merged(plan, last));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(found[i].shard, expected[i].shard);
      EXPECT_EQ(found[i].slot, expected[i].slot);
      EXPECT_EQ(found[i].score, expected[i].score);
    }
    const auto answer = codes(last != ReadStatus::kFailed);
    const BatchRead a = gathered.assemble(plan, answer), b = other.assemble(plan, answer);
    EXPECT_TRUE(a.z_read == b.z_read);
    EXPECT_EQ(a.margin, b.margin);
    EXPECT_EQ(a.participation.contributing, b.participation.contributing);
    EXPECT_EQ(a.participation.degraded, b.participation.degraded);
    EXPECT_EQ(a.participation.failed, b.participation.failed);
    EXPECT_EQ(a.participation.status, b.participation.status);
  }
}

TEST(CoordinatorService, AFailedShardIsLeftOutAndNamed) {
  CoordinatorService service(kShards, {});
  const auto chosen = service.choose(read_plan(), kKeys, proposals(ReadStatus::kFailed));
  EXPECT_GE(chosen[2].shard.value, kShards) << "its proposal was not looked at";
  const BatchRead read = service.assemble(read_plan(), codes(false));
  EXPECT_EQ(read.participation.failed, std::vector{base::ShardId{2}});
  EXPECT_EQ(read.participation.status, ReadStatus::kDegraded);
  EXPECT_TRUE(read.z_read.row(2).isZero(0));
}

TEST(CoordinatorService, AReadOfACodebookIsTheMeanOverShards) {
  const wire::ReadPlan plan = read_plan(true);
  std::vector<std::byte> all;
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    const std::vector<wire::SlotRead> slots{{.count = shard, .row = 5, .score = 0.5F},
                                            {.count = 0, .row = 1, .score = 0.25F}};
    const auto value = static_cast<float>(shard);
    const auto reads = wire::pack<wire::SlotRead>(header(ReadKind::kSlotReads, shard, 2, kCode), slots,
                                                  std::vector{value, -value, 0.0F, 0.0F});
    const auto members = wire::pack<wire::Candidate>(
        header(ReadKind::kCandidates, shard, 2, 2),
        std::vector{shard == 2 ? candidate(0.5F, 3, 8) : wire::kAbsent, wire::kAbsent, wire::kAbsent, wire::kAbsent},
        {});
    all.insert(all.end(), reads.begin(), reads.end());
    all.insert(all.end(), members.begin(), members.end());
  }
  CoordinatorService service(kShards, support::codebook_rules(memory::Addressing::kNearest, 9));
  const auto chosen = service.choose(plan, kKeys, all);
  EXPECT_THAT(CoordinatorService::chosen_per_shard(chosen, kShards), testing::ElementsAre(0, 0, 1));
  const auto records =
      wire::pack<wire::CodeRecord>(header(ReadKind::kCodes, 2, 1, 0), std::vector{record(2, 3, 8)}, {});
  const BatchRead read = service.assemble(plan, records);
  EXPECT_EQ(read.reads, 1U);
  EXPECT_EQ(read.z_read.rows(), 2);
  EXPECT_FLOAT_EQ(read.z_read(0, 0), (1.0F * 1.0F + 2.0F * 2.0F) / 3.0F);
  EXPECT_EQ(read.weights[0], 1.0 / 3.0);
  EXPECT_TRUE(read.z_read.row(1).isZero(0)) << "nothing was written to the second query's row";
}

TEST(CoordinatorService, MessagesOfAnotherReadAreRefused) {
  CoordinatorService service(kShards, {});
  const std::vector<std::byte> good = proposals();
  EXPECT_THROW(static_cast<void>(service.choose(read_plan(), kKeys, std::span(good).first(good.size() - 1))),
               base::CommError);
  EXPECT_THROW(static_cast<void>(CoordinatorService(2, {}).choose(read_plan(), kKeys, good)), base::CommError);
  wire::ReadPlan other = read_plan();
  other.step = 7;
  EXPECT_THROW(static_cast<void>(service.choose(other, kKeys, good)), base::CommError);

  std::vector<std::byte> twice = good;  // the second shard's message in the third's place
  const std::size_t size = wire::proposal_bytes(read_plan());
  std::copy_n(good.begin() + static_cast<std::ptrdiff_t>(size), size,
              twice.begin() + static_cast<std::ptrdiff_t>(2 * size));
  EXPECT_THROW(static_cast<void>(service.choose(read_plan(), kKeys, twice)), base::CommError);

  static_cast<void>(service.choose(read_plan(), kKeys, good));
  const std::vector<std::byte> answer = codes();
  for (const std::size_t cut : {std::size_t{0}, std::size_t{10}, answer.size() - 1}) {
    EXPECT_THROW(static_cast<void>(service.assemble(read_plan(), std::span(answer).first(cut))), base::CommError)
        << cut;
  }
  EXPECT_THROW(static_cast<void>(service.assemble(other, answer)), base::CommError);
}

}  // namespace
}  // namespace larimar::coordinator
