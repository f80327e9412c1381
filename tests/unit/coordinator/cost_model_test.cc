#include "coordinator/cost_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "common/base/error.h"
#include "common/wire/merged.h"

namespace larimar::coordinator {
namespace {

constexpr Network kNetwork{
    .latency_seconds = 1e-6, .bytes_per_second = 1e9, .overhead_seconds = 1e-7, .eager_bytes = 65536};

wire::ReadPlan read_plan(wire::ProposalRoute route = wire::ProposalRoute::kMerged) {
  return {.queries = 64, .k = 1, .asked = 2, .key_size = 384, .code_size = 768, .route = route};
}

wire::RolePlan roles(int ranks) {
  wire::RolePlan plan{ranks, {}, {0}};
  for (int rank = ranks == 1 ? 0 : 1; rank < ranks; ++rank) plan.shard_ranks.push_back(rank);
  return plan;
}

Cost predict(int ranks, const wire::ReadPlan& plan, const Network& network = kNetwork) {
  return predict_read(plan, roles(ranks), evenly_chosen(plan, roles(ranks).shards()), network);
}

std::uint64_t log2_up(int ranks) {
  return static_cast<std::uint64_t>(std::bit_width(static_cast<unsigned>(ranks - 1)));
}

TEST(CostModel, OneRankSendsNothing) {
  const Cost cost = predict(1, read_plan());
  EXPECT_EQ(cost.ranks.front(), RankCost{});
  EXPECT_EQ(cost.seconds, 0.0);
}

TEST(CostModel, TwoRanksByHand) {
  const Cost cost = predict(2, read_plan());
  const std::uint64_t keys = 64 * 384 * 4, choice = 64 * 12, merged = 32 + 64 * 2 * 24 + 4,
                      codes = 32 + 64 * (48 + 768 * 4);
  EXPECT_EQ(cost.ranks[0], (RankCost{2, keys + choice, 2, merged + codes}));
  EXPECT_EQ(cost.ranks[1], (RankCost{2, merged + codes, 2, keys + choice}));
  // The messages follow each other; only the codes and keys are longer than what is sent without waiting.
  const double bytes = static_cast<double>(keys + choice + merged + codes);
  EXPECT_NEAR(cost.seconds, 4 * (1e-6 + 2e-7) + bytes / 1e9, 1e-7);
}

TEST(CostModel, WhatIsSentIsReceived) {
  for (const auto route : {wire::ProposalRoute::kMerged, wire::ProposalRoute::kGathered}) {
    for (int ranks = 1; ranks <= 300; ranks += ranks < 70 ? 1 : 23) {
      const Cost cost = predict(ranks, read_plan(route));
      RankCost sum;
      for (const RankCost& rank : cost.ranks) {
        sum.messages_sent += rank.messages_sent;
        sum.bytes_sent += rank.bytes_sent;
        sum.messages_received += rank.messages_received;
        sum.bytes_received += rank.bytes_received;
      }
      EXPECT_EQ(sum.messages_sent, sum.messages_received);
      EXPECT_EQ(sum.bytes_sent, sum.bytes_received);
      const auto r = static_cast<std::uint64_t>(ranks);
      // Two broadcasts, the proposals, and a message from each shard that has one of the 64 winners.
      const std::uint64_t codes = std::min<std::uint64_t>(64, r - 1);
      EXPECT_EQ(sum.messages_sent, ranks == 1 ? 0 : 3 * (r - 1) + codes) << ranks;
    }
  }
}

TEST(CostModel, MergedProposalsReachTheCoordinatorInLog2Messages) {
  for (const int ranks : {2, 3, 16, 17, 64, 256, 1000, 1024}) {
    const auto shards = static_cast<std::uint64_t>(ranks - 1), senders = std::min<std::uint64_t>(shards, 64);
    const auto rounds = log2_up(ranks);
    EXPECT_EQ(predict(ranks, read_plan()).ranks[0].messages_received, rounds + senders) << ranks;
    EXPECT_EQ(predict(ranks, read_plan(wire::ProposalRoute::kGathered)).ranks[0].messages_received, shards + senders);
    EXPECT_EQ(predict(ranks, read_plan()).ranks[0].messages_sent, 2 * rounds);
  }
}

TEST(CostModel, TreesGrowWithTheLogarithmAndGathersWithTheRanks) {
  const auto seconds = [](int ranks, wire::ProposalRoute route) { return predict(ranks, read_plan(route)).seconds; };
  for (int ranks = 128; ranks <= 512; ranks *= 2) {
    const double merged =
        seconds(2 * ranks, wire::ProposalRoute::kMerged) - seconds(ranks, wire::ProposalRoute::kMerged);
    const double gathered =
        seconds(2 * ranks, wire::ProposalRoute::kGathered) - seconds(ranks, wire::ProposalRoute::kGathered);
    EXPECT_GT(gathered, 2 * merged) << ranks;
    EXPECT_LT(merged, 3e-4) << "another level of the tree, not as many ranks again";
  }
}

TEST(CostModel, ALongerWayOrANarrowerLinkNeverIsFaster) {
  double before = 0;
  for (const double latency : {0.0, 1e-6, 1e-5}) {
    Network network = kNetwork;
    network.latency_seconds = latency;
    const double now = predict(100, read_plan(), network).seconds;
    EXPECT_GT(now, before);
    before = now;
  }
  Network narrow = kNetwork;
  narrow.bytes_per_second /= 2;
  EXPECT_GT(predict(100, read_plan(), narrow).seconds, predict(100, read_plan()).seconds);
}

TEST(CostModel, AnAllGatherGoesUpAndDown) {
  CostModel model(5, kNetwork);
  model.agree();
  const Cost cost = model.cost();
  // Rank 4's 8 bytes, ranks 2 and 3's 16 and rank 1's 8 come to rank 0, and 40 bytes go back the same ways.
  EXPECT_EQ(cost.ranks[0], (RankCost{3, 120, 3, 32}));
  EXPECT_EQ(cost.ranks[2], (RankCost{2, 16 + 40, 2, 8 + 40}));
  EXPECT_EQ(cost.ranks[3], (RankCost{1, 8, 1, 40}));
}

TEST(CostModel, AnIngestOfCodesSendsNoCodes) {
  const wire::RolePlan plan = roles(9);
  const auto bytes = [&](std::size_t first) {
    CodesIngest sizes{first, 2000, std::vector<std::size_t>(plan.shards(), 32)};
    return predict_codes_ingest(sizes, plan, kNetwork).ranks[0].bytes_sent;
  };
  EXPECT_EQ(bytes(600) - bytes(500), 4 * 100U) << "to each of rank 0's four children";
  EXPECT_THROW(static_cast<void>(predict_codes_ingest({}, plan, kNetwork)), base::ShapeError);
}

TEST(CostModel, NonsenseIsRefused) {
  EXPECT_THROW(CostModel(0, kNetwork), base::ConfigError);
  EXPECT_THROW(CostModel(4, Network{}), base::ConfigError);
  EXPECT_THROW(static_cast<void>(predict_read(read_plan(), roles(4), std::vector<std::size_t>(2), kNetwork)),
               base::ShapeError);
}

TEST(CostModel, WinnersAreSpreadEvenly) {
  const auto chosen = evenly_chosen(read_plan(), 10);
  EXPECT_EQ(std::accumulate(chosen.begin(), chosen.end(), std::size_t{0}), 64U);
  EXPECT_THAT(chosen, testing::ElementsAre(7, 7, 7, 7, 6, 6, 6, 6, 6, 6));
}

}  // namespace
}  // namespace larimar::coordinator
