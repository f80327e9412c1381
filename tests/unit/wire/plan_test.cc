#include "common/wire/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <span>
#include <vector>

#include "common/wire/message.h"

namespace larimar::wire {
namespace {

TEST(RolePlan, EveryRankHasARoleAndEveryRoleARank) {
  for (int ranks = 1; ranks <= 40; ++ranks) {
    for (int decoders = 1; decoders <= 40; ++decoders) {
      SCOPED_TRACE(std::to_string(ranks) + " ranks, " + std::to_string(decoders) + " decoders");
      const RolePlan plan = plan_roles(ranks, decoders);
      EXPECT_EQ(plan.ranks, ranks);
      EXPECT_GE(plan.shards(), 1U);
      EXPECT_GE(plan.decoder_ranks.size(), 1U);
      EXPECT_LE(plan.decoder_ranks.size(), static_cast<std::size_t>(decoders));
      EXPECT_TRUE(std::ranges::is_sorted(plan.shard_ranks));
      EXPECT_EQ(plan.roles_of(0).front(), "coordinator");
      for (int rank = 0; rank < ranks; ++rank) {
        EXPECT_FALSE(plan.roles_of(rank).empty()) << "rank " << rank;
        const int shard = plan.shard_of(rank), decoder = plan.decoder_of(rank);
        EXPECT_TRUE(shard < 0 || plan.shard_ranks[static_cast<std::size_t>(shard)] == rank);
        EXPECT_TRUE(decoder < 0 || plan.decoder_ranks[static_cast<std::size_t>(decoder)] == rank);
        EXPECT_FALSE(ranks > 1 && shard >= 0 && decoder >= 0) << "a rank that stores does not decode";
      }
    }
  }
}

TEST(RolePlan, DecodersHaveTheirOwnRanksIfTwoShardsRemain) {
  EXPECT_EQ(plan_roles(1, 1).roles_of(0), (std::vector<std::string>{"coordinator", "shard", "decoder"}));
  EXPECT_EQ(plan_roles(2, 1).roles_of(0), (std::vector<std::string>{"coordinator", "decoder"}));
  EXPECT_EQ(plan_roles(3, 1).shards(), 2U);
  EXPECT_EQ(plan_roles(4, 1).roles_of(3), std::vector<std::string>{"decoder"});
  EXPECT_EQ(plan_roles(4, 2).shards(), 3U) << "one shard would remain";
  EXPECT_EQ(plan_roles(6, 2).decoder_ranks, (std::vector{4, 5}));
}

TEST(RolePlan, CountsTheShardsWithinARunOfRanks) {
  const RolePlan plan = plan_roles(8, 2);  // shards on ranks 1 to 5
  EXPECT_EQ(plan.shards_within(0, 8), 5U);
  EXPECT_EQ(plan.shards_within(0, 1), 0U);
  EXPECT_EQ(plan.shards_within(4, 8), 2U);
  EXPECT_EQ(plan.shards_within(6, 8), 0U);
}

TEST(ShardOfBlock, EveryBlockHasAShardAndTheFirstOnesAreDealtInTurn) {
  for (const std::size_t shards : {1UL, 2UL, 3UL, 7UL, 255UL, 256UL, 300UL}) {
    std::vector<std::size_t> load(shards);
    for (std::uint64_t block = 0; block < 4 * kVirtualShards; ++block) {
      const std::size_t shard = shard_of_block(block, shards);
      ASSERT_LT(shard, shards);
      EXPECT_TRUE(block >= std::min<std::uint64_t>(shards, kVirtualShards) || shard == block) << "block " << block;
      ++load[shard];
    }
    const auto [least, most] =
        std::ranges::minmax(std::span(load).first(std::min<std::size_t>(shards, kVirtualShards)));
    EXPECT_LE(most - least, 4U) << shards << " shards";
  }
}

std::vector<int> all_but(int ranks, std::initializer_list<int> dead) {
  std::vector<int> living;
  for (int rank = 0; rank < ranks; ++rank) {
    if (std::ranges::find(dead, rank) == dead.end()) living.push_back(rank);
  }
  return living;
}

// The rank at the start that holds a virtual shard; -1: nobody.
int holder(const RolePlan& plan, std::span<const int> survivors, std::uint64_t v) {
  const std::uint32_t shard = plan.shard_map().owner(v);
  if (shard == ShardMap::kNobody) return -1;
  return survivors[static_cast<std::size_t>(plan.shard_ranks.at(shard))];
}

TEST(PlanOfSurvivors, NothingMovesButWhatTheDeadHad) {
  for (const int ranks : {4, 5, 7, 20}) {
    const RolePlan first = plan_roles(ranks, 1);
    const std::vector<int> everybody = all_but(ranks, {});
    const std::vector<int> one_less = all_but(ranks, {1}), two_less = all_but(ranks, {1, 2});
    const RolePlan once = plan_of_survivors(first, one_less, Orphans::kTakenOver);
    const RolePlan twice = plan_of_survivors(first, two_less, Orphans::kTakenOver);
    std::vector<std::size_t> load(static_cast<std::size_t>(ranks));
    for (std::uint64_t v = 0; v < kVirtualShards; ++v) {
      const int before = holder(first, everybody, v), after = holder(once, one_less, v),
                last = holder(twice, two_less, v);
      if (before != 1) {
        EXPECT_EQ(after, before);
      }
      if (after != 2 && ranks > 4) {
        EXPECT_EQ(last, after);
      }
      EXPECT_NE(after, 1);
      EXPECT_NE(last, 2);
      ++load[static_cast<std::size_t>(after)];
    }
    for (const int shard_rank : first.shard_ranks) {
      if (shard_rank != 1) {
        EXPECT_GE(load[static_cast<std::size_t>(shard_rank)], kVirtualShards / first.shards());
      }
    }
  }
}

TEST(PlanOfSurvivors, RolesStayAndAreFilledWhereNobodyIsLeft) {
  const RolePlan first = plan_roles(5, 1);  // coordinator, three shards, decoder
  const auto plan_without = [&](std::initializer_list<int> dead) {
    return plan_of_survivors(first, all_but(5, dead), Orphans::kTakenOver);
  };
  EXPECT_EQ(plan_without({2}).shard_ranks, (std::vector{1, 2}));
  EXPECT_EQ(plan_without({2}).decoder_ranks, std::vector{3});
  EXPECT_EQ(plan_without({0}).roles_of(0), (std::vector<std::string>{"coordinator", "shard"}));
  EXPECT_EQ(plan_without({4}).decoder_ranks, std::vector{0});
  EXPECT_EQ(plan_without({1, 2, 3}).shard_ranks, std::vector{1}) << "the decoder stores now";
  EXPECT_EQ(plan_without({0, 1, 2, 3}).roles_of(0), (std::vector<std::string>{"coordinator", "shard", "decoder"}));
  EXPECT_EQ(plan_without({0, 1, 2, 4}).roles_of(0), (std::vector<std::string>{"coordinator", "shard", "decoder"}));
  for (const RolePlan& plan : {plan_without({1, 2, 3}), plan_without({0, 1, 2, 3})})
    EXPECT_TRUE(plan.shard_map().missing().empty());
}

TEST(PlanOfSurvivors, WhatIsMissingIsWhatTheDeadHad) {
  const RolePlan first = plan_roles(5, 1);
  const std::vector<int> living = all_but(5, {2});
  const RolePlan plan = plan_of_survivors(first, living, Orphans::kMissing);
  const std::vector<std::uint32_t> missing = plan.shard_map().missing();
  EXPECT_EQ(missing.size(), 85U);
  for (const std::uint32_t v : missing) EXPECT_EQ(shard_of_block(v, 3), 1U);
  EXPECT_TRUE(first.shard_map().missing().empty());
}

TEST(ReadPlan, MessageSizesFollowFromThePlan) {
  ReadPlan plan{.queries = 3, .k = 2, .asked = 4, .key_size = 10, .code_size = 7, .step = 1};
  EXPECT_EQ(proposal_bytes(plan), 32U + 3 * 4 * 16);
  EXPECT_EQ(codes_bytes(plan, 5), 32U + 5 * (48 + 7 * 4));
  EXPECT_EQ(codes_bytes(plan, 0), 0U) << "a shard of which nothing was chosen says nothing";
  plan.form = ReadForm::kSlots;
  EXPECT_EQ(proposal_bytes(plan), 2 * 32U + 3 * 4 * 16 + 3 * (16 + 7 * 4));
  EXPECT_EQ(codes_bytes(plan, 5), 32U + 5 * 48) << "the codes of a codebook came with the proposal";
}

}  // namespace
}  // namespace larimar::wire
