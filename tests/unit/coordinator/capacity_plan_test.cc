#include "coordinator/capacity_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "common/base/error.h"

namespace larimar::coordinator {
namespace {

constexpr std::uint64_t kMebi = std::uint64_t{1} << 20;
constexpr Footprint kFootprint{
    .program = 100 * kMebi, .coordinator = 50 * kMebi, .decoder = 30 * kMebi, .ingesting = 200 * kMebi};

MachineRates rates() {
  return {.segmenting = 1e6,
          .codes = 2e4,
          .keys = 5e3,
          .storing = 1e9,
          .scanning = 1e10,
          .batch_flops = 1e11,
          .network = {.latency_seconds = 1e-6, .bytes_per_second = 1e9, .overhead_seconds = 0, .eager_bytes = 65536}};
}

/// 256 segments in each of `rounds` blocks of every virtual shard.
MemoryShape shape(std::uint64_t rounds = 4) {
  return {.tokens = 256 * 256 * rounds * 10,
          .segments = 256 * 256 * rounds,
          .blocks = 256 * rounds,
          .code_size = 768,
          .key_size = 384,
          .key_bytes = 4,
          .reads = 4};
}

CapacityPlan plan(const MemoryShape& of, int ranks, int decoders = 1) {
  return plan_capacity(of, wire::plan_roles(ranks, decoders), rates(), kFootprint);
}

TEST(CapacityPlan, OneRankByHand) {
  const CapacityPlan one = plan(shape(), 1);
  const double segments = 262'144, tokens = 2'621'440;
  const double disk = segments * (4 * 1152 + 36) + 1024 * 128 + 256 * 64;
  EXPECT_EQ(one.shards, 1U);
  EXPECT_EQ(one.largest_shard, 262'144U);
  EXPECT_EQ(static_cast<double>(one.disk_bytes), disk);
  EXPECT_NEAR(one.ingest_seconds, tokens * (1e-6 + 5e-5 + 2e-4) + disk / 1e9, 1e-6);
  EXPECT_NEAR(one.read_seconds, segments * 384 * 4 / 1e10, 1e-9);
  EXPECT_NEAR(one.batch_seconds, 2 * segments * 384 * 64 / 1e11, 1e-9) << "products take longer than the bytes";
  EXPECT_EQ(one.shard_bytes, 262'144U * (4 * 1152 + 4 + 60));
  EXPECT_EQ(one.rank_bytes, one.shard_bytes + (100 + 50 + 30) * kMebi);
  EXPECT_EQ(one.read.ranks.front(), RankCost{}) << "one rank sends nothing";
}

TEST(CapacityPlan, EachStoreHasItsOwnMemory) {
  MemoryShape of = shape();
  of.key_bytes = 2;
  EXPECT_EQ(bytes_in_memory(of, 1000), 1000U * (384 * 2 + 4 + 60)) << "codes stay in the logs";
  of.key_bytes = 1;
  EXPECT_EQ(bytes_in_memory(of, 1000), 1000U * (384 + 4 + 4 + 60));
  of.keys_in_files = true;
  EXPECT_EQ(bytes_in_memory(of, 1000), 1000U * 60) << "and the keys in files";
}

TEST(CapacityPlan, TheFullestShardHasWholeBlocksOfWholeVirtualShards) {
  MemoryShape of = shape(1);  // a block on each of 256 virtual shards
  const std::uint64_t block = of.segments / 256;
  EXPECT_EQ(largest_share(of, 1), of.segments);
  EXPECT_EQ(largest_share(of, 2), of.segments / 2);
  EXPECT_EQ(largest_share(of, 3), 86 * block);
  EXPECT_EQ(largest_share(of, 255), 2 * block) << "one shard has two";
  EXPECT_EQ(largest_share(of, 256), block);
  EXPECT_EQ(largest_share(of, 1000), block) << "the others hold nothing";
  of.blocks = 257;
  of.segments = 257 * block;
  EXPECT_EQ(largest_share(of, 256), 2 * block);
  of.blocks = 1;
  of.segments = 5;
  EXPECT_EQ(largest_share(of, 64), 5U);
}

/// The definition: block b is on virtual shard b % 256, that one on shard (b % 256) % shards.
TEST(CapacityPlan, TheFullestShardIsThatOfTheDefinition) {
  for (const std::uint64_t blocks : {1U, 2U, 100U, 255U, 256U, 257U, 700U, 1000U}) {
    for (const std::size_t shards : {1U, 2U, 3U, 7U, 64U, 129U, 255U, 256U, 300U}) {
      std::vector<std::uint64_t> held(shards);
      for (std::uint64_t block = 0; block < blocks; ++block) ++held[wire::shard_of_block(block, shards)];
      MemoryShape of = shape();
      of.blocks = of.segments = blocks;  // one segment each
      EXPECT_EQ(largest_share(of, shards), *std::max_element(held.begin(), held.end())) << blocks << " on " << shards;
    }
  }
}

TEST(CapacityPlan, MoreTokensNeverTakeLessAndMoreRanksNeverMoreOfEach) {
  std::uint64_t before = std::numeric_limits<std::uint64_t>::max();
  double ingest = std::numeric_limits<double>::max();
  for (int ranks = 4; ranks <= 1024; ranks *= 2) {
    const CapacityPlan now = plan(shape(64), ranks);
    EXPECT_LE(now.rank_bytes, before) << ranks;
    EXPECT_LE(now.ingest_seconds, ingest) << ranks;
    EXPECT_EQ(now.disk_bytes, plan(shape(64), 1).disk_bytes) << "whoever writes it";
    before = now.rank_bytes;
    ingest = now.ingest_seconds;
  }
  CapacityPlan small = plan(shape(1), 16);
  for (const std::uint64_t rounds : {2U, 8U, 64U, 1000U}) {
    const CapacityPlan now = plan(shape(rounds), 16);
    EXPECT_GT(now.shard_bytes, small.shard_bytes);
    EXPECT_GT(now.ingest_seconds, small.ingest_seconds);
    EXPECT_GT(now.read_seconds, small.read_seconds);
    EXPECT_GT(now.batch_seconds, small.batch_seconds);
    EXPECT_EQ(now.read.ranks, small.read.ranks) << "messages depend on ranks, not on what is stored";
    small = now;
  }
}

TEST(CapacityPlan, DecodersDoNotStoreButWriteWithTheOthers) {
  const CapacityPlan few = plan(shape(), 8, 1), many = plan(shape(), 8, 4);
  EXPECT_EQ(few.shards, 6U);
  EXPECT_EQ(many.shards, 3U);
  EXPECT_GT(many.shard_bytes, few.shard_bytes);
  EXPECT_EQ(many.ingest_seconds, few.ingest_seconds) << "nobody decodes while text is written";
}

TEST(CapacityPlan, BeyondTheVirtualShardsRanksHoldNothing) {
  const CapacityPlan enough = plan(shape(), 258), more = plan(shape(), 1024);
  EXPECT_EQ(enough.shards_used, 256U);
  EXPECT_EQ(more.shards_used, 256U);
  EXPECT_EQ(more.shards, 1022U);
  EXPECT_EQ(more.rank_bytes, enough.rank_bytes);
  EXPECT_GT(more.read.seconds, enough.read.seconds) << "but all of them take part in every read";
}

TEST(CapacityPlan, MessagesAreThoseOfTheCostModel) {
  const wire::RolePlan roles = wire::plan_roles(16, 1);
  const wire::ReadPlan read{.queries = kPlannedBatch, .k = 4, .asked = 4, .key_size = 384, .code_size = 768};
  EXPECT_EQ(plan(shape(), 16).batch.ranks,
            predict_read(read, roles, evenly_chosen(read, roles.shards()), rates().network).ranks);
}

TEST(CapacityPlan, TheLeastRanksFitAndOneFewerDoesNot) {
  for (const std::uint64_t bytes : {400 * kMebi, 1024 * kMebi, 4096 * kMebi}) {
    const std::optional<int> least = least_ranks(shape(64), 1, kFootprint, bytes);
    ASSERT_TRUE(least.has_value()) << bytes;
    ASSERT_GT(*least, 1) << "the test needs a memory that one rank cannot hold";
    EXPECT_LE(plan(shape(64), *least).rank_bytes, bytes);
    EXPECT_GT(plan(shape(64), *least - 1).rank_bytes, bytes);
  }
  EXPECT_EQ(least_ranks(shape(1), 1, kFootprint, 1024 * kMebi), 1);
  EXPECT_EQ(least_ranks(shape(100'000), 1, kFootprint, 1024 * kMebi), std::nullopt)
      << "a virtual shard is too large for a rank";
}

TEST(CapacityPlan, WhatIsNoQuestionIsRefused) {
  const auto refused = [](auto change) {
    MemoryShape of = shape();
    MachineRates with = rates();
    change(of, with);
    EXPECT_THROW(static_cast<void>(plan_capacity(of, wire::plan_roles(4, 1), with, kFootprint)), base::ConfigError);
  };
  refused([](MemoryShape& of, MachineRates&) { of.tokens = 0; });
  refused([](MemoryShape& of, MachineRates&) { of.segments = 0; });
  refused([](MemoryShape& of, MachineRates&) { of.blocks = 0; });
  refused([](MemoryShape& of, MachineRates&) { of.key_size = 0; });
  refused([](MemoryShape&, MachineRates& with) { with.codes = 0; });
  refused([](MemoryShape&, MachineRates& with) { with.scanning = -1; });
  refused([](MemoryShape&, MachineRates& with) { with.keys = std::numeric_limits<double>::infinity(); });
  refused([](MemoryShape&, MachineRates& with) { with.storing = std::numeric_limits<double>::quiet_NaN(); });
  refused([](MemoryShape&, MachineRates& with) { with.network.bytes_per_second = 0; });
}

TEST(CapacityPlan, TheLargestQuestionsDoNotOverflow) {
  MemoryShape of{.tokens = 1'000'000'000'000'000, .segments = 1'000'000'000'000'000, .blocks = 256'000'000'000};
  const CapacityPlan huge = plan(of, 1);
  EXPECT_EQ(huge.largest_shard, of.segments);
  EXPECT_EQ(huge.shard_bytes / of.segments, 4U * 1152 + 64);
  EXPECT_GT(huge.ingest_seconds, plan(shape(), 1).ingest_seconds);
}

}  // namespace
}  // namespace larimar::coordinator
