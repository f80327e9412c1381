// Reads that every shard has a part in, between real ranks, against the same read in one process and in double.
#include <gtest/gtest.h>

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "coordinator/codebook.h"
#include "launch/exchange.h"
#include "launch/write.h"
#include "tests/mpi/memory_world.h"
#include "tests/mpi/ranks.h"

namespace larimar::test {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::MatrixF64;
using shard::KeyMode;

constexpr std::size_t kQueries = 6, kTop = 4;
constexpr Index kRows = 9;  // of the codebook

/// Halfway between two keys, so that two segments are nearly equally good; the last is near to nothing.
Matrix query_keys(const SlowMemory& slow) {
  support::FakeKeys keys(kKeySize);
  Matrix result = keys.encode(std::vector<std::string>(kQueries, "nothing that is there"));
  for (std::size_t q = 0; q + 1 < kQueries && !slow.keys.empty(); ++q) {
    const std::size_t a = (7 * q) % slow.keys.size(), b = (a + 1 + slow.keys.size() / 2) % slow.keys.size();
    linalg::RowVector middle = slow.keys[a] + slow.keys[b];
    if (middle.norm() > 0) result.row(static_cast<Index>(q)) = middle.normalized();
  }
  return result;
}

Matrix all_keys(const SlowMemory& slow) {
  Matrix keys(static_cast<Index>(slow.keys.size()), kKeySize);
  for (std::size_t i = 0; i < slow.keys.size(); ++i) keys.row(static_cast<Index>(i)) = slow.keys[i];
  return keys;
}

MatrixF64 codes_of_keys(const SlowMemory& slow) {
  MatrixF64 codes(static_cast<Index>(slow.keys.size()), kCodeSize);
  for (std::size_t i = 0; i < slow.keys.size(); ++i)
    codes.row(static_cast<Index>(i)) = slow.codes.row(static_cast<Index>(slow.owner[i])).cast<double>();
  return codes;
}

wire::ReadPlan plan_of(const memory::MemoryRules& rules) {
  wire::ReadPlan plan;
  plan.queries = kQueries;
  plan.key_size = static_cast<std::size_t>(kKeySize);
  plan.code_size = static_cast<std::size_t>(kCodeSize);
  plan.step = 5;
  coordinator::set_form(plan, rules);
  return plan;
}

/// Reads on every number of ranks; `check` gets rank 0's result.
void read_on_every_rank(const std::string& context, KeyMode mode, const support::KindOfMemory& kind, const Matrix& keys,
                        const std::function<void(const coordinator::BatchRead&)>& check) {
  on_every_rank([&](comm::Transport& transport) {
    MemoryRank rank(transport.rank(), wire::plan_roles(transport.size(), 1), context, mode, kind);
    launch::solve_together(transport, rank.plan, rank.shard ? &*rank.shard : nullptr, kind.rules,
                           static_cast<std::size_t>(kCodeSize));
    const auto read = launch::exchange_read(transport, rank.plan, rank.roles, plan_of(kind.rules),
                                            transport.rank() == 0 ? keys : Matrix());
    if (transport.rank() == 0) check(read);
  });
}

double relative_error(const Matrix& found, const MatrixF64& expected) {
  return (found.cast<double>() - expected).norm() / expected.norm();
}

TEST(SharedRead, ABlendOfTheBestSegmentsEqualsOneSoftmax) {
  const std::string context = support::random_prose(60'000, 11);
  for (const KeyMode mode : {KeyMode::kSegment, KeyMode::kSentence}) {
    const SlowMemory slow(context, mode);
    const Matrix keys = query_keys(slow);
    // With a low temperature logits are in the thousands: their differences must survive the way between ranks.
    for (const double temperature : {0.05, 1e-4}) {
      support::KindOfMemory kind;
      kind.rules.addressing = memory::Addressing::kTopK;
      kind.rules.aggregation = memory::Aggregation::kTopK;
      kind.rules.temperature = temperature;
      kind.rules.top = kTop;
      MatrixF64 expected = MatrixF64::Zero(static_cast<Index>(kQueries), kCodeSize);
      std::vector<double> shares;
      for (std::size_t q = 0; q < kQueries; ++q) {
        const auto ranked = slow.ranking(keys.row(static_cast<Index>(q)));
        double sum = 0;
        std::vector<double> weights;
        for (std::size_t i = 0; i < kTop; ++i) {
          weights.push_back(
              std::exp((static_cast<double>(ranked[i].first) - static_cast<double>(ranked[0].first)) / temperature));
          sum += weights.back();
          expected.row(static_cast<Index>(q)) +=
              weights.back() * slow.codes.row(static_cast<Index>(ranked[i].second)).cast<double>();
        }
        expected.row(static_cast<Index>(q)) /= sum;
        for (const double weight : weights) shares.push_back(weight / sum);
      }
      read_on_every_rank(context, mode, kind, keys, [&](const coordinator::BatchRead& read) {
        EXPECT_EQ(read.reads, 1U);
        EXPECT_LE(relative_error(read.z_read, expected), 1e-6) << "temperature " << temperature;
        ASSERT_EQ(read.weights.size(), shares.size());
        for (std::size_t i = 0; i < shares.size(); ++i) EXPECT_NEAR(read.weights[i], shares[i], 1e-9);
      });
    }
  }
}

TEST(SharedRead, ABlendOfFewerSegmentsThanItMixes) {
  const std::string context = "The river by night was cold.\n\nThe stone under the lamp was green.";
  const SlowMemory slow(context, KeyMode::kSegment);
  support::KindOfMemory kind;
  kind.rules.addressing = memory::Addressing::kTopK;
  kind.rules.aggregation = memory::Aggregation::kTopK;
  kind.rules.temperature = 1e6;  // equal shares
  const MatrixF64 expected = slow.codes.cast<double>().colwise().mean().replicate(static_cast<Index>(kQueries), 1);
  read_on_every_rank(context, KeyMode::kSegment, kind, query_keys(slow), [&](const coordinator::BatchRead& read) {
    EXPECT_LE(relative_error(read.z_read, expected), 1e-5);
    EXPECT_EQ(read.records[2].status, wire::ReadStatus::kEmpty);
  });
  read_on_every_rank(" \n", KeyMode::kSegment, kind, query_keys(slow),
                     [&](const coordinator::BatchRead& read) { EXPECT_TRUE(read.z_read.isZero(0)); });
}

TEST(SharedRead, OneSolutionOfAllRanksIsReadInSlices) {
  const std::string context = support::random_prose(60'000, 12);
  const SlowMemory slow(context, KeyMode::kSegment);
  const Matrix keys = query_keys(slow), written = all_keys(slow);
  const Matrix key_memory = coordinator::train_codebook(written, {.rows = static_cast<std::size_t>(kRows), .seed = 1});
  const MatrixF64 m0 = key_memory.cast<double>(), z = codes_of_keys(slow);
  for (const memory::Addressing addressing : {memory::Addressing::kDense, memory::Addressing::kGaussian}) {
    support::KindOfMemory kind;
    kind.rules = support::codebook_rules(addressing, static_cast<std::size_t>(kRows));
    kind.rules.alpha = 0.3;
    kind.addresser = support::addresser_of(key_memory, kind.rules);
    const auto weights = [&](const Matrix& of) -> MatrixF64 {
      if (addressing == memory::Addressing::kDense)
        return of.cast<double>() * m0.completeOrthogonalDecomposition().pseudoInverse();
      MatrixF64 w(of.rows(), kRows);
      for (Index i = 0; i < of.rows(); ++i) {
        const Eigen::VectorXd d = (m0.rowwise() - of.row(i).cast<double>()).rowwise().squaredNorm();
        w.row(i) = (-(d.array() - d.minCoeff()) / (2 * kind.rules.alpha)).exp().transpose();
        w.row(i) /= w.row(i).sum();
      }
      return w;
    };
    const MatrixF64 expected = weights(keys) * weights(written).completeOrthogonalDecomposition().solve(z);
    read_on_every_rank(context, KeyMode::kSegment, kind, keys, [&](const coordinator::BatchRead& read) {
      EXPECT_LE(relative_error(read.z_read, expected), 1e-5) << memory::name_of(addressing);
      EXPECT_EQ(read.slots, std::vector<std::int64_t>(kQueries, -1));
    });
  }
}

TEST(SharedRead, ASoftmaxOverTheBestRowsOfACodebook) {
  const std::string context = support::random_prose(60'000, 13);
  const SlowMemory slow(context, KeyMode::kSegment);
  const Matrix keys = query_keys(slow), written = all_keys(slow);
  Matrix codebook(kRows + 1, kKeySize);
  codebook.topRows(kRows) = coordinator::train_codebook(written, {.rows = static_cast<std::size_t>(kRows), .seed = 1});
  codebook.row(kRows) = 9.0F * keys.row(0);  // far from every key, so nobody writes it, but the best row of a read
  const MatrixF64 m0 = codebook.cast<double>(), z = codes_of_keys(slow);
  support::KindOfMemory kind;
  kind.rules = support::codebook_rules(memory::Addressing::kTopK, static_cast<std::size_t>(codebook.rows()));
  kind.rules.top = kTop;
  kind.addresser = support::addresser_of(codebook, kind.rules);
  MatrixF64 means = MatrixF64::Zero(codebook.rows(), kCodeSize);
  std::vector<double> counts(static_cast<std::size_t>(codebook.rows()));
  for (Index i = 0; i < written.rows(); ++i) {
    Index row = 0;
    (m0.rowwise() - written.row(i).cast<double>()).rowwise().squaredNorm().minCoeff(&row);
    means.row(row) += z.row(i);
    ++counts[static_cast<std::size_t>(row)];
  }
  ASSERT_EQ(counts.back(), 0);
  const MatrixF64 scores = keys.cast<double>() * m0.transpose();
  MatrixF64 expected = MatrixF64::Zero(static_cast<Index>(kQueries), kCodeSize);
  std::vector<std::int64_t> best(kQueries, -1);
  for (Index q = 0; q < expected.rows(); ++q) {
    std::vector<std::size_t> order(static_cast<std::size_t>(codebook.rows()));
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, std::greater{}, [&](std::size_t row) { return scores(q, static_cast<Index>(row)); });
    double sum = 0, first = 0;
    for (std::size_t i = 0; i < kTop; ++i) {
      const auto row = static_cast<Index>(order[i]);
      if (counts[order[i]] == 0) continue;
      if (sum == 0) first = scores(q, row), best[static_cast<std::size_t>(q)] = row;
      const double weight = std::exp((scores(q, row) - first) / kind.rules.temperature);
      expected.row(q) += weight * means.row(row) / counts[order[i]];
      sum += weight;
    }
    expected.row(q) /= sum;
  }
  read_on_every_rank(context, KeyMode::kSegment, kind, keys, [&](const coordinator::BatchRead& read) {
    EXPECT_LE(relative_error(read.z_read, expected), 1e-5);
    EXPECT_EQ(read.slots, best) << "the best row that somebody wrote";
  });
}

}  // namespace
}  // namespace larimar::test
