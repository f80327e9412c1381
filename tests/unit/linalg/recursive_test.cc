#include "common/linalg/recursive.h"

#include <gtest/gtest.h>

#include <vector>

#include "common/base/error.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::kDoubleRounding;
using reference::random_matrix;
using reference::relative_error;

RecursiveMemory empty_memory(Index slots, Index latent, RecursiveOptions options = {}) {
  return RecursiveMemory(GramStatistics(slots, latent), std::nullopt, options);
}

RecursiveMemory written_memory(const Matrix& W, const Matrix& Z, RecursiveOptions options = {}) {
  GramStatistics sums(W.cols(), Z.cols());
  sums.add(W, Z);
  return RecursiveMemory(sums, std::nullopt, options);
}

TEST(RecursiveMemory, SingleAndBlockedWritesEqualOneSolve) {
  const Matrix W = random_matrix(50, 16, 1), Z = random_matrix(50, 6, 2), M0 = random_matrix(16, 6, 3);
  for (const Index block : {1, 3, 8, 50}) {
    const RecursiveOptions options{.ridge = 0.5};
    RecursiveMemory memory(GramStatistics(16, 6), M0, options);
    for (Index first = 0; first < 50; first += block) {
      const Index rows = std::min(block, 50 - first);
      memory.write(W.middleRows(first, rows), Z.middleRows(first, rows));
    }
    const reference::Write exact = reference::solve_write(W, Z, M0, 0.5);
    // Each of 50 updates rounds in double; from P = I / ridge on, the condition never passes that of G + ridge I by much.
    const double bound = 50.0 * 8.0 * 16.0 * exact.condition * kDoubleRounding;
    EXPECT_LE(relative_error(memory.memory(), exact.memory), bound) << "blocks of " << block;
    EXPECT_EQ(memory.solved_anew(), 0U) << "the recursion did it";
    const MatrixF64 product = memory.covariance() * (memory.statistics().gram() + 0.5 * MatrixF64::Identity(16, 16));
    EXPECT_LE((product - MatrixF64::Identity(16, 16)).norm(), bound);
  }
}

/// method.md's Kalman form, one segment at a time, as plainly as it can be written.
TEST(RecursiveMemory, KalmanFormWithObservationNoiseIsTheSameMemory) {
  constexpr double kNoise = 0.3;  // sigma^2
  const Matrix W = random_matrix(40, 12, 4), Z = random_matrix(40, 5, 5), M0 = random_matrix(12, 5, 6);
  RecursiveMemory memory(GramStatistics(12, 5), M0, {.ridge = kNoise});
  Eigen::MatrixXd M = M0.cast<double>(), U = Eigen::MatrixXd::Identity(12, 12);
  for (Index i = 0; i < 40; ++i) {
    const Eigen::RowVectorXd w = W.row(i).cast<double>(), delta = Z.row(i).cast<double>() - w * M;
    const Eigen::VectorXd gain = U * w.transpose() / (w * U * w.transpose() + kNoise);
    M += gain * delta;
    U -= (gain * (w * U)).eval();
    memory.write(W.row(i), Z.row(i));
    const double condition = (memory.statistics().gram().trace() + kNoise) / kNoise;
    const double bound = static_cast<double>(i + 1) * 16.0 * 12.0 * condition * kDoubleRounding;
    EXPECT_LE(relative_error(memory.memory(), M), bound) << "after segment " << i;
    EXPECT_LE(relative_error(MatrixF64(kNoise * memory.covariance()), U), bound) << "after segment " << i;
  }
}

TEST(RecursiveMemory, ForgettingOneEqualsNeverHavingWrittenIt) {
  constexpr int kCases = 500;
  std::mt19937_64 random(7);
  std::uint64_t anew = 0;
  for (int i = 0; i < kCases; ++i) {
    const Index slots = 16 + static_cast<Index>(random() % (reference::kSanitized ? 9 : 49));
    const Index segments = 1 + static_cast<Index>(random() % static_cast<std::uint64_t>(2 * slots)), latent = 8;
    const Index gone = static_cast<Index>(random() % static_cast<std::uint64_t>(segments));
    const Matrix W = random_matrix(segments, slots, random()), Z = random_matrix(segments, latent, random());
    Matrix rest_W(segments - 1, slots), rest_Z(segments - 1, latent);
    rest_W << W.topRows(gone), W.bottomRows(segments - 1 - gone);
    rest_Z << Z.topRows(gone), Z.bottomRows(segments - 1 - gone);
    RecursiveMemory memory = empty_memory(slots, latent);
    if (i % 2 == 0) {
      memory.write(W, Z);
    } else {
      for (Index row = 0; row < segments; ++row) memory.write(W.row(row), Z.row(row));
    }
    memory.forget(W.row(gone), Z.row(gone));
    anew += memory.solved_anew();
    const reference::Write exact = reference::solve_write(rest_W, rest_Z, Matrix::Zero(slots, latent), 1e-6);
    ASSERT_LE(relative_error(memory.memory(), exact.memory), 1e-6)
        << "case " << i << ": segment " << gone << " of " << segments << ", K " << slots << ", condition "
        << exact.condition;
  }
  EXPECT_GT(anew, 0U) << "no case was ill-conditioned";
  EXPECT_LT(anew, static_cast<std::uint64_t>(2 * kCases)) << "every case was solved anew";
}

TEST(RecursiveMemory, AWellConditionedForgetIsTheRecursionAlone) {
  const Matrix W = random_matrix(200, 16, 8), Z = random_matrix(200, 4, 9);
  RecursiveMemory memory = written_memory(W, Z);
  for (Index i = 0; i < 60; i += 4) memory.forget(W.middleRows(i, 4), Z.middleRows(i, 4));
  EXPECT_EQ(memory.solved_anew(), 0U);
  const reference::Write exact =
      reference::solve_write(W.bottomRows(140), Z.bottomRows(140), Matrix::Zero(16, 4), 1e-6);
  EXPECT_LE(relative_error(memory.memory(), exact.memory), 15.0 * 8.0 * 216.0 * exact.condition * kDoubleRounding);
}

TEST(RecursiveMemory, TenThousandMixedUpdatesStayWithinTheLimit) {
  constexpr int kUpdates = reference::kSanitized ? 2000 : 10000;
  constexpr Index kSlots = 24, kLatent = 6, kPool = 96;
  const Matrix W = random_matrix(kPool, kSlots, 10), Z = random_matrix(kPool, kLatent, 11);
  std::vector<bool> written(kPool, false);
  RecursiveMemory memory = empty_memory(kSlots, kLatent);
  std::mt19937_64 random(12);
  double worst = 0.0;
  for (int update = 1; update <= kUpdates; ++update) {
    const std::size_t row = random() % kPool;
    const Index i = static_cast<Index>(row);
    if (written[row]) {
      memory.forget(W.row(i), Z.row(i));
    } else {
      memory.write(W.row(i), Z.row(i));
    }
    written[row] = !written[row];
    if (update % 500 != 0) continue;
    Matrix now_W(0, kSlots), now_Z(0, kLatent);
    for (Index j = 0; j < kPool; ++j) {
      if (!written[static_cast<std::size_t>(j)]) continue;
      now_W.conservativeResize(now_W.rows() + 1, kSlots);
      now_Z.conservativeResize(now_Z.rows() + 1, kLatent);
      now_W.bottomRows(1) = W.row(j);
      now_Z.bottomRows(1) = Z.row(j);
    }
    const reference::Write exact = reference::solve_write(now_W, now_Z, Matrix::Zero(kSlots, kLatent), 1e-6);
    worst = std::max(worst, relative_error(memory.memory(), exact.memory));
  }
  EXPECT_LE(worst, 1e-4);
  EXPECT_LT(memory.solved_anew(), static_cast<std::uint64_t>(kUpdates / 2)) << "the recursion does most of the work";
  RecordProperty("worst", std::to_string(worst));
}

TEST(RecursiveMemory, DriftIsSeenAndUndone) {
  // A limit no recursion can keep: each test of the residual must find it broken and solve anew.
  const Matrix W = random_matrix(40, 10, 13), Z = random_matrix(40, 3, 14);
  RecursiveMemory memory = empty_memory(10, 3, {.ridge = 1e-2, .residual_limit = 1e-17, .check_every = 4});
  for (Index i = 0; i < 40; ++i) memory.write(W.row(i), Z.row(i));
  EXPECT_GE(memory.solved_anew(), 10U);
  EXPECT_LE(memory.residual(), 8.0 * 50.0 * kDoubleRounding * (memory.statistics().gram().trace() / 1e-2));
}

TEST(RecursiveMemory, ForgettingEverythingLeavesThePrior) {
  const Matrix W = random_matrix(5, 7, 15), Z = random_matrix(5, 2, 16), M0 = random_matrix(7, 2, 17);
  RecursiveMemory memory(GramStatistics(7, 2), M0, {});
  memory.write(W, Z);
  EXPECT_GT(relative_error(memory.memory(), M0), 0.1);
  memory.forget(W.topRows(2), Z.topRows(2));
  memory.forget(W.bottomRows(3), Z.bottomRows(3));
  EXPECT_EQ(memory.memory(), M0.cast<double>());
  memory.write(Matrix(0, 7), Matrix(0, 2));
  EXPECT_EQ(memory.memory(), M0.cast<double>()) << "no rows change nothing";
}

TEST(RecursiveMemory, RefusesBadInputAndChangesNothing) {
  EXPECT_THROW(empty_memory(4, 2, {.ridge = 0.0}), base::ConfigError);
  EXPECT_THROW(empty_memory(4, 2, {.ridge = -1.0}), base::ConfigError);
  EXPECT_THROW(empty_memory(4, 2, {.residual_limit = 0.0}), base::ConfigError);
  EXPECT_THROW(empty_memory(4, 2, {.check_every = 0}), base::ConfigError);
  const Matrix wrong_prior = random_matrix(3, 2, 1);
  EXPECT_THROW(RecursiveMemory(GramStatistics(4, 2), wrong_prior, {}), base::ShapeError);
  const Matrix W = random_matrix(3, 4, 18), Z = random_matrix(3, 2, 19);
  RecursiveMemory memory = written_memory(W, Z);
  const MatrixF64 before = memory.memory();
  Matrix bad = Z;
  bad(1, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(memory.write(W, bad), base::NumericalError);
  EXPECT_THROW(memory.write(W, random_matrix(3, 3, 1)), base::ShapeError);
  EXPECT_THROW(memory.forget(random_matrix(4, 4, 1), random_matrix(4, 2, 1)), base::ConfigError);
  EXPECT_EQ(memory.memory(), before);
  EXPECT_EQ(memory.statistics().segments(), 3U);
}

}  // namespace
}  // namespace larimar::linalg
