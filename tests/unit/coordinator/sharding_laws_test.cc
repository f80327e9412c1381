// The laws of a sharded memory: any number of shards, in any order, some of them empty, gives the one-shard answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#include "common/linalg/least_squares.h"
#include "coordinator/aggregator.h"
#include "coordinator/codebook.h"
#include "shard/shard_memory.h"
#include "tests/support/memory_rules.h"
#include "tests/unit/shard/random_context.h"

namespace larimar::coordinator {
namespace {

using linalg::Index;
using linalg::Matrix;
using shard::ShardMemory;

constexpr std::uint64_t kFirstSeed = 20'240;

/// The shards of a context, segments dealt out in turn; the last `empty` of them get nothing.
std::vector<ShardMemory> make_shards(const tests::RandomContext& context, std::size_t count, std::size_t empty,
                                     const Matrix& codebook, shard::KeyStore store = shard::KeyStore::kFloat32) {
  const support::NearestMemory nearest(codebook);
  std::vector<ShardMemory> shards;
  for (std::size_t s = 0; s < count; ++s) {
    shards.emplace_back(shard::ShardMemoryOptions{.rules = nearest.rules,
                                                  .code_size = context.codes.cols(),
                                                  .key_size = context.keys.cols(),
                                                  .addresser = nearest.addresser,
                                                  .key_store = store});
    if (s + empty < count) shards.back().append(context.share(s, count - empty).batch());
    shards.back().solve();
  }
  return shards;
}

std::vector<std::size_t> shuffled(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  std::mt19937_64 random(seed);
  std::ranges::shuffle(order, random);
  return order;
}

base::ShardId id_of(std::size_t s) { return {static_cast<std::uint32_t>(s)}; }

/// A whole stored read: candidates, merge, codes, in the order in which the shards happen to answer.
struct StoredAnswer {
  MergedRead merged;
  ReadResult result;
};

StoredAnswer read_stored(const std::vector<ShardMemory>& shards, const Matrix& keys, std::size_t k,
                         std::uint64_t seed) {
  const std::size_t asked = std::max<std::size_t>(k, 2);
  std::vector<std::vector<wire::Candidate>> found;
  for (const ShardMemory& memory : shards) found.push_back(memory.read_candidates(keys, asked));
  std::vector<CandidateReply> replies;
  for (const std::size_t s : shuffled(shards.size(), seed))
    replies.push_back({.shard = id_of(s), .status = shards[s].status(), .candidates = found[s]});
  StoredAnswer answer{
      .merged = merge_candidates(replies, {.queries = static_cast<std::size_t>(keys.rows()), .k = k}, asked),
      .result = {}};

  std::vector<std::vector<wire::CodeRecord>> records(shards.size());
  std::vector<Matrix> codes(shards.size());
  std::vector<CodeReply> code_replies;
  for (const std::size_t s : shuffled(shards.size(), seed + 1)) {
    const std::vector<wire::CodeRequest> requests = code_requests(answer.merged, id_of(s));
    codes[s].resize(static_cast<Index>(requests.size()), shards[s].code_size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const shard::SegmentInfo& segment = shards[s].segment(requests[i].slot);
      records[s].push_back({.segment = segment.id,
                            .byte_begin = segment.byte_begin,
                            .byte_end = segment.byte_end,
                            .line = segment.line,
                            .document = segment.document,
                            .shard = id_of(s),
                            .slot = requests[i].slot});
      std::ranges::copy(shards[s].code(requests[i].slot), codes[s].row(static_cast<Index>(i)).data());
    }
    code_replies.push_back({.shard = id_of(s), .status = shards[s].status(), .records = records[s], .codes = codes[s]});
  }
  answer.result = assemble(answer.merged, code_replies, shards[0].code_size());
  return answer;
}

TEST(ShardingLaws, StoredReadsAreTheSameBitsOnEveryNumberOfShardsAndForEveryKeyStore) {
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    tests::RandomContext context(
        {.segments = 1 + random() % 120, .code_size = 19, .key_size = 37, .keys_per_segment = 3}, seed);
    // Exact duplicates of keys make ties that must fall the same way everywhere.
    for (Index i = 0; i + 7 < context.keys.rows(); i += 5) context.keys.row(i + 7) = context.keys.row(i);
    Matrix queries = tests::random_unit_rows(9, 37, seed + 1);
    queries.row(0) = context.keys.row(0);
    const std::size_t k = 1 + random() % 6;
    const StoredAnswer one = read_stored(make_shards(context, 1, 0, {}), queries, k, seed);
    const shard::KeyStore stores[] = {shard::KeyStore::kFloat32, shard::KeyStore::kBFloat16, shard::KeyStore::kInt8};
    for (std::size_t run = 0; run < 18; ++run) {
      const std::size_t shards = std::array{1UL, 2UL, 3UL, 5UL, 8UL, 150UL}[run / 3],
                        empty = shards > 1 ? shards % 2 : 0;
      SCOPED_TRACE(name_of(stores[run % 3]) + " keys");
      const StoredAnswer many =
          read_stored(make_shards(context, shards, empty, {}, stores[run % 3]), queries, k, seed + shards);
      EXPECT_EQ(many.result.codes, one.result.codes) << shards << " shards";
      EXPECT_EQ(many.merged.margin, one.merged.margin) << shards << " shards";
      for (std::size_t i = 0; i < one.merged.winners.size(); ++i) {
        EXPECT_EQ(many.merged.winners[i].candidate.segment, one.merged.winners[i].candidate.segment)
            << shards << " shards, winner " << i;
        EXPECT_EQ(many.merged.winners[i].candidate.score, one.merged.winners[i].candidate.score)
            << shards << " shards, winner " << i;
        EXPECT_EQ(many.result.records[i].line, one.result.records[i].line);
        EXPECT_EQ(many.result.records[i].byte_end, one.result.records[i].byte_end);
      }
      EXPECT_EQ(many.result.participation.status, wire::ReadStatus::kOk);
      EXPECT_EQ(many.result.participation.contributing.size(), shards);
    }
  }
}

SlotResult read_codebook(const std::vector<ShardMemory>& shards, const Matrix& keys, double ridge, std::uint64_t seed) {
  constexpr std::size_t kMembers = 3;
  memory::MemoryRules rules = shards[0].rules();
  rules.ridge = ridge;
  std::vector<shard::SlotReads> reads;
  for (const ShardMemory& memory : shards) reads.push_back(memory.read_slots(keys, 1, kMembers));
  std::vector<SlotReply> replies;
  for (const std::size_t s : shuffled(shards.size(), seed)) {
    replies.push_back({.shard = id_of(s),
                       .status = shards[s].status(),
                       .reads = reads[s].reads,
                       .codes = reads[s].codes,
                       .members = reads[s].members});
  }
  return combine_slots(replies, {.shape = {.queries = static_cast<std::size_t>(keys.rows()), .k = kMembers},
                                 .asked = kMembers,
                                 .code_size = shards[0].code_size(),
                                 .rules = rules});
}

/// The whole problem at once, as the definition of the write says it: dense one-hot weights, one process.
Matrix global_memory(const tests::RandomContext& context, const Matrix& codebook, double ridge) {
  Matrix W = Matrix::Zero(context.keys.rows(), codebook.rows());
  Matrix Z(context.keys.rows(), context.codes.cols());
  for (Index i = 0; i < context.keys.rows(); ++i) {
    Index row = 0;
    (codebook.cast<double>().rowwise() - context.keys.row(i).cast<double>()).rowwise().squaredNorm().minCoeff(&row);
    W(i, row) = 1.0F;
    Z.row(i) = context.codes.row(static_cast<Index>(context.owner[static_cast<std::size_t>(i)]));
  }
  return linalg::solve_write({.addressing = W, .codes = Z, .prior = std::nullopt, .ridge = ridge});
}

TEST(ShardingLaws, CodebookReadsEqualTheGlobalLeastSquaresSolution) {
  for (std::uint64_t seed = kFirstSeed; seed < kFirstSeed + 12; ++seed) {
    std::mt19937_64 random(seed);
    const tests::RandomContext context(
        {.segments = 30 + random() % 200, .code_size = 11, .key_size = 16, .keys_per_segment = 2}, seed);
    const Matrix codebook = train_codebook(context.keys, {.rows = 1 + random() % 25, .seed = seed});
    const double ridge = seed % 2 == 0 ? 0.0 : 0.5;
    const Matrix memory = global_memory(context, codebook, ridge);
    // docs/numerics.md: a local mean and the combination round to float once each, the reference once.
    const double bound = 3.01 * 0x1p-24 * static_cast<double>(context.codes.cwiseAbs().maxCoeff());
    const SlotResult one = read_codebook(make_shards(context, 1, 0, codebook), codebook, ridge, seed);
    for (const std::size_t shards : {1UL, 2UL, 3UL, 5UL, 8UL, 300UL}) {
      const SlotResult many =
          read_codebook(make_shards(context, shards, shards / 3, codebook), codebook, ridge, seed + shards);
      EXPECT_LE((many.codes - memory).cast<double>().cwiseAbs().maxCoeff(), bound)
          << "seed " << seed << ", " << shards << " shards";
      for (std::size_t q = 0; q < one.reads.size(); ++q) {
        EXPECT_EQ(many.reads[q].count, one.reads[q].count);
        EXPECT_EQ(many.reads[q].row, q) << "a row of the codebook is nearest to itself";
      }
      for (std::size_t i = 0; i < one.members.winners.size(); ++i) {
        EXPECT_EQ(many.members.winners[i].candidate.segment, one.members.winners[i].candidate.segment)
            << "seed " << seed;
      }
    }
  }
}

TEST(ShardingLaws, OrderOfShardRepliesDoesNotChangeABitOfACodebookRead) {
  const tests::RandomContext context({.segments = 200, .code_size = 13, .key_size = 16}, kFirstSeed);
  const Matrix codebook = train_codebook(context.keys, {.rows = 10, .seed = 1});
  const std::vector<ShardMemory> shards = make_shards(context, 7, 1, codebook);
  const SlotResult first = read_codebook(shards, codebook, 0.0, 1);
  for (std::uint64_t seed = 2; seed < 8; ++seed)
    EXPECT_EQ(read_codebook(shards, codebook, 0.0, seed).codes, first.codes);
}

}  // namespace
}  // namespace larimar::coordinator
