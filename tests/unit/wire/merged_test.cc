#include "common/wire/merged.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/wire/message.h"

namespace larimar::wire {
namespace {

ReadPlan read_plan() { return {.queries = 5, .k = 2, .asked = 3, .key_size = 4, .code_size = 2, .step = 7}; }

/// A shard's message with scores that often tie, best first, sometimes fewer than asked for. Now and then a segment that
/// another shard has as well.
std::vector<std::byte> proposal(base::Random& random, std::uint32_t shard, ReadStatus status = ReadStatus::kOk) {
  const ReadPlan plan = read_plan();
  std::vector<Candidate> all;
  for (std::size_t q = 0; q < plan.queries; ++q) {
    std::vector<Candidate> row;
    const std::uint64_t candidates = random.below(plan.asked + 1);
    for (std::uint32_t i = 0; i < candidates; ++i)
      row.push_back({static_cast<float>(random.below(4)) / 4.0F,
                     {i},
                     {i == 0 && random.below(8) == 0 ? 1 : 100 * (shard + 1) + 10 * i + random.below(10)}});
    std::ranges::sort(row, ranks_before);
    row.erase(std::unique(row.begin(), row.end(), [](auto& a, auto& b) { return a.segment == b.segment; }), row.end());
    row.resize(plan.asked, kAbsent);
    all.insert(all.end(), row.begin(), row.end());
  }
  return pack<Candidate>({.kind = ReadKind::kCandidates,
                          .status = status,
                          .shard = {shard},
                          .rows = static_cast<std::uint32_t>(plan.queries),
                          .columns = static_cast<std::uint32_t>(plan.asked),
                          .step = plan.step},
                         all, {});
}

/// The obvious way: all of a query's proposals sorted, each segment once.
std::vector<Proposal> slow_best(const std::vector<std::vector<std::byte>>& messages) {
  const ReadPlan plan = read_plan();
  std::vector<Proposal> best;
  for (std::size_t q = 0; q < plan.queries; ++q) {
    std::vector<Proposal> row;
    for (const auto& message : messages) {
      const Merged one = unpack_merged(plan, merged_of_one(plan, message));
      for (std::size_t i = 0; i < plan.asked; ++i)
        if (!is_absent(one.proposals[q * plan.asked + i].candidate)) row.push_back(one.proposals[q * plan.asked + i]);
    }
    std::ranges::sort(row, proposal_before);
    std::vector<Proposal> distinct;
    for (const Proposal& one : row)
      if (std::ranges::none_of(distinct, [&](auto& other) { return other.candidate.segment == one.candidate.segment; }))
        distinct.push_back(one);
    distinct.resize(plan.asked, Proposal{});
    best.insert(best.end(), distinct.begin(), distinct.end());
  }
  return best;
}

TEST(Merged, AnyOrderOfMergingGivesTheBestOfAll) {
  base::Random random(3);
  for (int round = 0; round < 200; ++round) {
    const ReadPlan plan = read_plan();
    const std::size_t shards = 1 + random.below(9);
    std::vector<std::vector<std::byte>> messages, runs;
    for (std::uint32_t s = 0; s < shards; ++s) {
      messages.push_back(proposal(random, s, random.below(6) == 0 ? ReadStatus::kFailed : ReadStatus::kOk));
      runs.push_back(merged_of_one(plan, messages.back()));
      EXPECT_EQ(runs.back().size(), merged_bytes(plan, 1));
    }
    while (runs.size() > 1) {  // two neighbours, wherever
      const auto at = static_cast<std::ptrdiff_t>(random.below(runs.size() - 1));
      runs[static_cast<std::size_t>(at)] =
          merge(plan, runs[static_cast<std::size_t>(at)], runs[static_cast<std::size_t>(at) + 1]);
      runs.erase(runs.begin() + at + 1);
    }
    EXPECT_EQ(runs.front().size(), merged_bytes(plan, shards));
    const Merged found = unpack_merged(plan, runs.front());
    EXPECT_EQ(found.proposals, slow_best(messages));
    EXPECT_EQ(found.statuses.size(), shards);
  }
}

TEST(Merged, NoShardsHaveNoMessage) { EXPECT_EQ(merged_bytes(read_plan(), 0), 0U); }

template <class Work>
std::string refusal(Work&& work) {
  try {
    work();
  } catch (const base::CommError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Merged, WhatDoesNotBelongTogetherIsRefused) {
  using testing::HasSubstr;
  base::Random random(1);
  const ReadPlan plan = read_plan();
  const auto run = [&](std::uint32_t shard) { return merged_of_one(plan, proposal(random, shard)); };
  const auto merging = [&](auto low, auto high) { return refusal([&] { static_cast<void>(merge(plan, low, high)); }); };
  EXPECT_EQ(merging(run(4), run(5)), "accepted");
  EXPECT_THAT(merging(run(4), run(6)), HasSubstr("shards 6 and on came where those of shard 5"));
  EXPECT_THAT(merging(run(5), run(4)), HasSubstr("shards 4 and on came where those of shard 6"));

  std::vector<std::byte> cut = run(5);
  cut.pop_back();
  EXPECT_THAT(merging(run(4), cut), HasSubstr("fits no number of shards"));
  ReadPlan later = plan;
  later.step = 8;
  EXPECT_THAT(refusal([&] { static_cast<void>(unpack_merged(later, run(3))); }),
              HasSubstr("shard 3 has step 7 where 8"));
  EXPECT_THAT(refusal([&] { static_cast<void>(merged_of_one(later, proposal(random, 3))); }),
              HasSubstr("shard 3 has step 7 where 8"));
  std::vector<std::byte> strange = run(2);
  strange[strange.size() - sizeof(ReadStatus)] = std::byte{9};
  EXPECT_THAT(merging(strange, run(3)), HasSubstr("shard 2 the unknown status 9"));

  std::vector<std::byte> wrong = proposal(random, 6);
  const Candidate nan{std::nanf(""), {0}, {3}};
  std::memcpy(wrong.data() + sizeof(ReadHeader), &nan, sizeof nan);
  EXPECT_THAT(refusal([&] { static_cast<void>(merged_of_one(plan, wrong)); }), HasSubstr("shard 6 proposed segment 3"));
}

}  // namespace
}  // namespace larimar::wire
