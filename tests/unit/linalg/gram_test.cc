#include "common/linalg/gram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::kDoubleRounding;
using reference::random_matrix;
using reference::relative_error;

GramStatistics sums_of(const Matrix& W, const Matrix& Z) {
  GramStatistics sums(W.cols(), Z.cols());
  sums.add(W, Z);
  return sums;
}

/// Sums of N products and a solve of size K, both in double: (N + K) roundings, amplified by the condition of G.
double bound_of(Index segments, Index slots, double condition) {
  return 8.0 * static_cast<double>(segments + slots) * condition * kDoubleRounding;
}

TEST(GramStatistics, PartsOfAnyNumberOfShardsGiveTheOneProcessSolution) {
  constexpr Index kSlots = reference::kSanitized ? 24 : 64, kLatent = 16;
  for (const Index segments : {1, 40, 500, reference::kSanitized ? 1000 : 10000}) {
    const Matrix W = random_matrix(segments, kSlots, 1), Z = random_matrix(segments, kLatent, 2),
                 M0 = random_matrix(kSlots, kLatent, 3);
    for (const double ridge : {0.0, 1e-3}) {
      const reference::Write exact = reference::solve_write(W, Z, M0, ridge);
      for (const Index shards : {1, 2, 3, 5, 8}) {
        GramStatistics merged(kSlots, kLatent), packed(kSlots, kLatent);
        for (Index shard = 0; shard < shards; ++shard) {  // contiguous parts; some are empty where N < S
          const Index first = segments * shard / shards, rows = segments * (shard + 1) / shards - first;
          const GramStatistics part = sums_of(W.middleRows(first, rows), Z.middleRows(first, rows));
          merged.merge(part);
          packed.merge_packed(part.pack());
        }
        EXPECT_EQ(merged.segments(), static_cast<std::uint64_t>(segments));
        EXPECT_EQ(packed.pack(), merged.pack());
        const double error = relative_error(merged.solve(M0, ridge).memory, exact.memory);
        EXPECT_LE(error, bound_of(segments, kSlots, exact.condition))
            << segments << " segments on " << shards << " shards, ridge " << ridge << ", condition " << exact.condition;
        EXPECT_LE(error, 1e-5);
      }
    }
  }
}

TEST(GramStatistics, WhatIsAddedAndRemovedIsAsIfItHadNeverBeen) {
  const Matrix W = random_matrix(60, 20, 4), Z = random_matrix(60, 5, 5);
  GramStatistics sums = sums_of(W, Z);
  sums.remove(W.bottomRows(25), Z.bottomRows(25));
  const reference::Write exact = reference::solve_write(W.topRows(35), Z.topRows(35), Matrix::Zero(20, 5), 0.0);
  EXPECT_LE(relative_error(sums.solve(std::nullopt, 0.0).memory, exact.memory),
            sums.cancelled() * bound_of(60, 20, exact.condition));
  EXPECT_GT(sums.cancelled(), 1.3);
  sums.remove(W.topRows(35), Z.topRows(35));
  EXPECT_EQ(sums.gram(), MatrixF64::Zero(20, 20)) << "the last one out leaves no rounding behind";
  EXPECT_EQ(sums.cancelled(), 1.0);
}

TEST(GramStatistics, RoundingLeftByLargeRowsIsNotTakenForWeights) {
  // One row of norm 1e4 comes and goes; slots 4 and 5 are then addressed by nobody, and G there holds only its rounding.
  Matrix W = Matrix::Zero(5, 6);
  W.topLeftCorner(4, 4) = random_matrix(4, 4, 6, 1e-3F) + Matrix::Identity(4, 4) * 1e-2F;
  W.row(4) = random_matrix(1, 6, 7, 1e4F);
  const Matrix Z = random_matrix(5, 3, 8);
  GramStatistics sums = sums_of(W, Z);
  sums.remove(W.bottomRows(1), Z.bottomRows(1));
  const WriteSolution solution = sums.solve(std::nullopt, 0.0);
  EXPECT_EQ(solution.method, WriteMethod::kEigen);
  EXPECT_LE(solution.memory.norm(), 10.0 * Z.norm() / 1e-2) << "no inverse of rounding";
}

TEST(GramStatistics, MethodFollowsTheCondition) {
  const Matrix Z = random_matrix(30, 4, 10);
  const WriteSolution good = sums_of(random_matrix(30, 8, 9), Z).solve(std::nullopt, 0.0);
  EXPECT_EQ(good.method, WriteMethod::kCholesky);
  EXPECT_LT(good.condition, 100.0);
  Matrix W = random_matrix(30, 8, 9);
  W.col(3) = W.col(5);
  const Matrix M0 = random_matrix(8, 4, 11);
  const WriteSolution deficient = sums_of(W, Z).solve(M0, 0.0);
  EXPECT_EQ(deficient.method, WriteMethod::kEigen);
  EXPECT_TRUE(std::isinf(deficient.condition));
  const reference::Write exact = reference::solve_write(W, Z, M0, 0.0);
  EXPECT_LE(relative_error(deficient.memory, exact.memory), bound_of(30, 8, exact.condition));
  EXPECT_EQ(GramStatistics(3, 2).solve(std::nullopt, 0.0).method, WriteMethod::kEmpty);
}

TEST(GramStatistics, RefusesWhatDoesNotFitAndChangesNothing) {
  const Matrix W = random_matrix(6, 4, 12), Z = random_matrix(6, 3, 13);
  GramStatistics sums = sums_of(W, Z);
  const std::vector<double> before = sums.pack();
  EXPECT_THROW(GramStatistics(0, 3), base::ShapeError);
  EXPECT_THROW(GramStatistics(3, 0), base::ShapeError);
  EXPECT_THROW(sums.add(random_matrix(6, 5, 1), Z), base::ShapeError);
  EXPECT_THROW(sums.add(W, random_matrix(6, 2, 1)), base::ShapeError) << "a memory whose C differs";
  EXPECT_THROW(sums.add(W, random_matrix(5, 3, 1)), base::ShapeError);
  EXPECT_THROW(sums.merge(GramStatistics(4, 2)), base::ShapeError);
  EXPECT_THROW(sums.merge(GramStatistics(5, 3)), base::ShapeError);
  EXPECT_THROW(sums.merge_packed(GramStatistics(5, 3).pack()), base::ShapeError);
  std::vector<double> spoilt = before;
  spoilt[2] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(sums.merge_packed(spoilt), base::NumericalError);
  spoilt = before;
  spoilt.back() = -1.0;
  EXPECT_THROW(sums.merge_packed(spoilt), base::NumericalError);
  EXPECT_THROW(sums.remove(random_matrix(7, 4, 1), random_matrix(7, 3, 1)), base::ConfigError);
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Matrix bad_codes = Z, bad_weights = W;
    bad_codes(5, 1) = value;
    bad_weights(2, 3) = value;
    try {
      sums.add(W, bad_codes);
      FAIL() << value << " was accepted";
    } catch (const base::NumericalError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("codes row 5, column 1"));
    }
    try {
      sums.remove(bad_weights, Z);
      FAIL() << value << " was accepted";
    } catch (const base::NumericalError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("addressing weights row 2, column 3"));
    }
  }
  EXPECT_EQ(sums.pack(), before);
  for (const double ridge : {-1e-9, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THROW((void)sums.solve(std::nullopt, ridge), base::ConfigError) << ridge;
  const Matrix wide_prior = random_matrix(4, 5, 1);
  EXPECT_THROW((void)sums.solve(wide_prior, 0.0), base::ShapeError);
  Matrix bad_prior = Matrix::Zero(4, 3);
  bad_prior(1, 1) = std::numeric_limits<float>::infinity();
  EXPECT_THROW((void)sums.solve(bad_prior, 0.0), base::NumericalError);
  const Matrix tiny = Matrix::Constant(1, 1, 1e-30F), huge = Matrix::Constant(1, 1, 1e30F);
  EXPECT_THROW((void)sums_of(tiny, huge).solve(std::nullopt, 0.0), base::NumericalError) << "1e60 is no float";
}

}  // namespace
}  // namespace larimar::linalg
