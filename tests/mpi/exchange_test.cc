// The messages of a read on any number of ranks against the whole memory in one process.
#include "launch/exchange.h"

#include <gtest/gtest.h>

#include "coordinator/codebook.h"
#include "launch/decoding.h"
#include "tests/mpi/memory_world.h"
#include "tests/mpi/ranks.h"

namespace larimar::test {
namespace {

using linalg::Index;
using linalg::Matrix;
using shard::KeyMode;

constexpr std::size_t kQueries = 7;

wire::ReadPlan read_plan(std::size_t k, bool codebook = false) {
  wire::ReadPlan plan;
  plan.queries = kQueries;
  plan.k = k;
  plan.asked = std::max<std::size_t>(k, 2);
  plan.key_size = static_cast<std::size_t>(kKeySize);
  plan.code_size = static_cast<std::size_t>(kCodeSize);
  if (codebook) plan.form = wire::ReadForm::kSlots;
  plan.step = 3;
  return plan;
}

/// Keys of queries: some of texts in the context, some of none.
Matrix query_keys(const SlowMemory& slow) {
  support::FakeKeys keys(kKeySize);
  Matrix result = keys.encode(std::vector<std::string>{"The river by night", "stone", "42 42 42",
                                                       "nothing that is there", "", "Anna walked", "The"});
  if (!slow.keys.empty()) result.row(3) = slow.keys[slow.keys.size() / 2];
  return result;
}

// EXPECT only: leaving a collective early on one rank would leave the others waiting.
void expect_stored_read(const coordinator::BatchRead& read, const SlowMemory& slow, const Matrix& keys, std::size_t k) {
  ASSERT_EQ(read.records.size(), kQueries * k);
  ASSERT_EQ(read.z_read.rows(), static_cast<Index>(kQueries * k));
  for (std::size_t q = 0; q < kQueries; ++q) {
    const auto ranked = slow.ranking(keys.row(static_cast<Index>(q)));
    for (std::size_t i = 0; i < k; ++i) {
      SCOPED_TRACE("query " + std::to_string(q) + ", place " + std::to_string(i));
      const wire::CodeRecord& record = read.records[q * k + i];
      const auto z = read.z_read.row(static_cast<Index>(q * k + i));
      if (i >= ranked.size()) {
        EXPECT_EQ(record.status, wire::ReadStatus::kEmpty);
        EXPECT_TRUE(z.isZero(0));
        continue;
      }
      const SlowMemory::Row& row = slow.rows[ranked[i].second];
      EXPECT_EQ(record.status, wire::ReadStatus::kOk);
      EXPECT_EQ(record.segment.value, row.segment.value);
      EXPECT_EQ(read.scores[q * k + i], ranked[i].first);
      EXPECT_EQ(record.byte_begin, row.begin);
      EXPECT_EQ(record.byte_end, row.end);
      EXPECT_EQ(record.line, row.line);
      EXPECT_TRUE(z == slow.codes.row(static_cast<Index>(ranked[i].second))) << "not the bits that were written";
    }
    if (ranked.size() > 1) {
      EXPECT_EQ(read.margin[q], ranked[0].first - ranked[1].first);
    } else {
      EXPECT_FALSE(read.margin[q].has_value());
    }
  }
}

void check_stored(const std::string& context, KeyMode mode, std::size_t k, int decoders,
                  wire::ProposalRoute route = wire::ProposalRoute::kMerged) {
  const SlowMemory slow(context, mode);
  const Matrix keys = query_keys(slow);
  on_every_rank([&](comm::Transport& transport) {
    MemoryRank rank(transport.rank(), wire::plan_roles(transport.size(), decoders), context, mode);
    wire::ReadPlan plan = read_plan(k);
    plan.route = route;
    int beside = 0;
    const auto read = launch::exchange_read(transport, rank.plan, rank.roles, plan,
                                            transport.rank() == 0 ? keys : Matrix(), [&] { ++beside; });
    EXPECT_EQ(beside, 1) << "every rank has time for other things, once a read";
    launch::Decoding decoding(transport, rank.plan, rank.roles, read.z_read, kQueries * k,
                              static_cast<std::size_t>(kCodeSize));
    if (decoders == 2) decoding.decode();  // early or late is the same
    const std::vector<std::string> texts = decoding.finish();
    if (transport.rank() != 0) {
      EXPECT_TRUE(texts.empty());
      return;
    }
    expect_stored_read(read, slow, keys, k);
    EXPECT_EQ(texts, rank.decoder.decode(read.z_read));
    EXPECT_EQ(read.participation.contributing.size(), rank.plan.shards());
  });
}

TEST(Exchange, StoredReadsEqualOneProcessBitForBit) {
  const std::string context = support::random_prose(90'000, 1);
  check_stored(context, KeyMode::kSegment, 4, 1);
  check_stored(context, KeyMode::kPrefix, 1, 2);
  check_stored(context, KeyMode::kSentence, 3, 1);
}

TEST(Exchange, GatheredProposalsGiveTheSameRead) {
  check_stored(support::random_prose(90'000, 1), KeyMode::kSegment, 4, 1, wire::ProposalRoute::kGathered);
  check_stored("The only sentence of the only block.", KeyMode::kSegment, 4, 1, wire::ProposalRoute::kGathered);
}

TEST(Exchange, ManyDecodersShareTheRows) { check_stored(support::random_prose(20'000, 2), KeyMode::kSegment, 2, 3); }

TEST(Exchange, ShardsWithoutSegmentsChangeNothing) {
  check_stored("The only sentence of the only block.", KeyMode::kSegment, 4, 1);
  check_stored("The river by night was cold.\n\nThe stone under the lamp was green.", KeyMode::kSegment, 4, 1);
}

TEST(Exchange, AContextWithoutTextIsReadAsNothing) { check_stored(" \n \n", KeyMode::kSegment, 2, 1); }

TEST(Exchange, CodebookReadsEqualTheMeansOfOneProcess) {
  const std::string context = support::random_prose(60'000, 5);
  const SlowMemory slow(context, KeyMode::kSegment);
  Matrix sample(static_cast<Index>(slow.keys.size()), kKeySize);
  for (std::size_t i = 0; i < slow.keys.size(); ++i) sample.row(static_cast<Index>(i)) = slow.keys[i];
  const Matrix codebook = coordinator::train_codebook(sample, {.rows = 9, .seed = 1});
  const Matrix keys = query_keys(slow);

  const auto nearest = [&](linalg::ConstMatrixRef key) {
    Index row = 0;
    (codebook.cast<double>() * key.row(0).transpose().cast<double>()).maxCoeff(&row);
    return row;
  };
  on_every_rank([&](comm::Transport& transport) {
    MemoryRank rank(transport.rank(), wire::plan_roles(transport.size(), 1), context, KeyMode::kSegment, codebook);
    const auto read = launch::exchange_read(transport, rank.plan, rank.roles, read_plan(4, true),
                                            transport.rank() == 0 ? keys : Matrix());
    if (transport.rank() != 0) return;
    EXPECT_EQ(read.reads, 1U);
    for (std::size_t q = 0; q < kQueries; ++q) {
      const Index row = nearest(keys.row(static_cast<Index>(q)));
      linalg::MatrixF64 sum = linalg::MatrixF64::Zero(1, kCodeSize);
      std::uint64_t count = 0;
      for (std::size_t i = 0; i < slow.keys.size(); ++i) {
        if (nearest(slow.keys[i]) != row) continue;
        sum += slow.codes.row(static_cast<Index>(slow.owner[i])).cast<double>();
        ++count;
      }
      EXPECT_EQ(read.weights[4 * q], 1.0 / static_cast<double>(std::max<std::uint64_t>(1, count))) << "query " << q;
      EXPECT_LE((read.z_read.row(static_cast<Index>(q)).cast<double>() - sum / static_cast<double>(count))
                    .cwiseAbs()
                    .maxCoeff(),
                1e-6);
    }
  });
}

}  // namespace
}  // namespace larimar::test
