#include "shard/weighted_solver.h"

#include <gtest/gtest.h>

#include <Eigen/QR>
#include <limits>
#include <random>

#include "common/base/error.h"
#include "tests/support/memory_rules.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::MatrixF64;

constexpr Index kSlots = 10, kKey = 14, kCode = 6;

Matrix random_matrix(Index rows, Index columns, std::uint64_t seed, float scale = 1.0F) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  return Matrix::NullaryExpr(rows, columns, [&] { return normal(random); });
}

memory::MemoryRules local_rules(double ridge = 0.0) {
  memory::MemoryRules rules =
      support::codebook_rules(memory::Addressing::kDense, static_cast<std::size_t>(kSlots), memory::Solve::kLocal);
  rules.ridge = ridge;
  return rules;
}

WeightedSolver make(const memory::MemoryRules& rules, const Matrix& key_memory, Index code_size = kCode) {
  return {support::addresser_of(key_memory, rules), code_size, rules};
}

MatrixF64 pinv(const MatrixF64& matrix) { return matrix.completeOrthogonalDecomposition().pseudoInverse(); }

/// w M in double, by definition.
MatrixF64 slow(const Matrix& key_memory, const Matrix& keys, const Matrix& codes, const Matrix& asked, double ridge) {
  const MatrixF64 inverse = pinv(key_memory.cast<double>());
  const MatrixF64 w = keys.cast<double>() * inverse;
  const MatrixF64 gram = w.transpose() * w + ridge * MatrixF64::Identity(kSlots, kSlots);
  return asked.cast<double>() * inverse * (pinv(gram) * (w.transpose() * codes.cast<double>()));
}

double relative_error(const Matrix& found, const MatrixF64& expected) {
  return (found.cast<double>() - expected).norm() / expected.norm();
}

TEST(WeightedSolver, LocalEqualsTheDefinitionInDouble) {
  const Matrix m0 = random_matrix(kSlots, kKey, 1), keys = random_matrix(40, kKey, 2),
               codes = random_matrix(40, kCode, 3);
  for (const double ridge : {0.0, 0.3}) {
    WeightedSolver solver = make(local_rules(ridge), m0);
    solver.add(keys.topRows(25), codes.topRows(25));
    solver.add(keys.bottomRows(15), codes.bottomRows(15));
    EXPECT_FALSE(solver.is_solved());
    solver.solve();
    const Matrix asked = random_matrix(5, kKey, 4);
    EXPECT_LE(relative_error(solver.read(asked), slow(m0, keys, codes, asked, ridge)), 1e-5) << "ridge " << ridge;
  }
}

TEST(WeightedSolver, NothingWrittenReadsZero) {
  WeightedSolver solver = make(local_rules(), random_matrix(kSlots, kKey, 1));
  EXPECT_TRUE(solver.is_solved());
  EXPECT_TRUE(solver.read(random_matrix(3, kKey, 2)).isZero(0));
  solver.add(Matrix(0, kKey), Matrix(0, kCode));
  EXPECT_TRUE(solver.is_solved()) << "no rows leave nothing to solve";
}

TEST(WeightedSolver, WithARidgeLaterRowsComeAndGoWithoutASolve) {
  const Matrix m0 = random_matrix(kSlots, kKey, 1), keys = random_matrix(60, kKey, 2),
               codes = random_matrix(60, kCode, 3);
  const Matrix asked = random_matrix(5, kKey, 4);
  WeightedSolver solver = make(local_rules(0.3), m0);
  solver.add(keys.topRows(40), codes.topRows(40));
  solver.solve();
  for (Index row = 40; row < 60; ++row) {
    solver.add(keys.row(row), codes.row(row));
    EXPECT_TRUE(solver.is_solved());
  }
  EXPECT_LE(relative_error(solver.read(asked), slow(m0, keys, codes, asked, 0.3)), 1e-5);
  EXPECT_EQ(solver.statistics().segments(), 60U);
  for (Index row = 0; row < 30; ++row) solver.remove(keys.row(row), codes.row(row));
  EXPECT_LE(relative_error(solver.read(asked), slow(m0, keys.bottomRows(30), codes.bottomRows(30), asked, 0.3)), 1e-5);
  solver.remove(keys.bottomRows(30), codes.bottomRows(30));
  EXPECT_LE(solver.read(asked).cwiseAbs().maxCoeff(), 1e-6);
}

TEST(WeightedSolver, WithoutARidgeAChangeAsksForASolve) {
  const Matrix m0 = random_matrix(kSlots, kKey, 1), keys = random_matrix(30, kKey, 2),
               codes = random_matrix(30, kCode, 3);
  WeightedSolver solver = make(local_rules(), m0);
  solver.add(keys, codes);
  solver.solve();
  solver.remove(keys.topRows(8), codes.topRows(8));
  EXPECT_FALSE(solver.is_solved());
  solver.solve();
  const Matrix asked = random_matrix(5, kKey, 4);
  EXPECT_LE(relative_error(solver.read(asked), slow(m0, keys.bottomRows(22), codes.bottomRows(22), asked, 0)), 1e-5);
}

TEST(WeightedSolver, BenCohenIsNearTheExactOneAndForgetsRows) {
  memory::MemoryRules rules = local_rules();
  rules.solve = memory::Solve::kBenCohen;
  // The iteration starts from 5e-4 A', so it reaches singular values between about 4 and 63 in fifteen steps.
  Matrix m0 = Matrix::Zero(kSlots, kKey);
  m0.leftCols(kSlots) = 8.0F * Matrix::Identity(kSlots, kSlots);
  Matrix keys = Matrix::Zero(8, kKey);
  for (Index row = 0; row < 8; ++row) keys(row, row) = 80.0F;
  const Matrix codes = random_matrix(8, kCode, 3);
  WeightedSolver solver = make(rules, m0);
  solver.add(keys, codes);
  solver.solve();
  EXPECT_LE(relative_error(solver.read(keys), codes.cast<double>()), 1e-3);
  solver.remove(keys.row(3), codes.row(3));
  EXPECT_FALSE(solver.is_solved());
  solver.solve();
  EXPECT_TRUE(solver.read(keys.row(3)).isZero(1e-4F));
  EXPECT_LE(relative_error(solver.read(keys.row(4)), codes.row(4).cast<double>()), 1e-3) << "the others stay";
  EXPECT_THROW(solver.remove(keys.row(3), codes.row(3)), base::Error) << "it is gone";
}

TEST(WeightedSolver, BenCohenSaysThatItDiverges) {
  memory::MemoryRules rules = local_rules();
  rules.solve = memory::Solve::kBenCohen;
  Matrix m0 = Matrix::Zero(kSlots, kKey);
  m0.leftCols(kSlots) = 8.0F * Matrix::Identity(kSlots, kSlots);
  WeightedSolver solver = make(rules, m0);
  solver.add(random_matrix(30, kKey, 2, 500.0F), random_matrix(30, kCode, 3));
  EXPECT_THROW(solver.solve(), base::NumericalError);
  EXPECT_FALSE(solver.is_solved());
}

TEST(WeightedSolver, ReadWeightsOfTheMemoryItselfFindCodesByThemselves) {
  memory::MemoryRules rules = local_rules();
  rules.read_weights = memory::ReadWeights::kMemory;
  const Matrix codes = random_matrix(7, kKey, 5);  // codes are the keys
  WeightedSolver solver = make(rules, random_matrix(kSlots, kKey, 1), kKey);
  solver.add(codes, codes);
  solver.solve();
  // M spans the codes, so z M^+ M = z for what was written.
  EXPECT_LE(relative_error(solver.read(codes), codes.cast<double>()), 1e-4);
}

TEST(WeightedSolver, SlicesOfAnAdoptedMemoryAddUp) {
  memory::MemoryRules rules = local_rules();
  rules.solve = memory::Solve::kGlobal;
  const Matrix m0 = random_matrix(kSlots, kKey, 1), memory = random_matrix(kSlots, kCode, 6),
               asked = random_matrix(4, kKey, 4);
  WeightedSolver whole = make(rules, m0), upper = make(rules, m0), lower = make(rules, m0), none = make(rules, m0);
  whole.adopt(memory, {0, kSlots});
  upper.adopt(memory, {0, 4});
  lower.adopt(memory, {4, kSlots - 4});
  none.adopt(memory, {kSlots, 0});
  EXPECT_LE(relative_error(upper.read(asked) + lower.read(asked), whole.read(asked).cast<double>()), 1e-6);
  EXPECT_TRUE(none.read(asked).isZero(0));
  EXPECT_THROW(whole.adopt(random_matrix(kSlots, kCode + 1, 6), {0, kSlots}), base::ShapeError);
  EXPECT_THROW(whole.adopt(memory, {3, kSlots}), base::ShapeError);
  EXPECT_THROW(whole.adopt(memory, {-1, 2}), base::ShapeError);
  Matrix broken = memory;
  broken(2, 1) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(whole.adopt(broken, {0, kSlots}), base::NumericalError);
}

TEST(WeightedSolver, RefusesRowsThatAreNoNumbers) {
  for (const memory::Solve solve : {memory::Solve::kLocal, memory::Solve::kBenCohen}) {
    memory::MemoryRules rules = local_rules();
    rules.solve = solve;
    WeightedSolver solver = make(rules, random_matrix(kSlots, kKey, 1));
    Matrix keys = random_matrix(3, kKey, 2), codes = random_matrix(3, kCode, 3);
    codes(1, 0) = std::numeric_limits<float>::infinity();
    EXPECT_THROW(solver.add(keys, codes), base::NumericalError);
    codes(1, 0) = 0;
    keys(2, 2) = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THROW(solver.add(keys, codes), base::NumericalError);
    EXPECT_TRUE(solver.is_solved()) << "nothing was taken";
  }
}

TEST(WeightedSolver, OneHotAddressingHasItsOwnSolver) {
  const memory::MemoryRules rules =
      support::codebook_rules(memory::Addressing::kNearest, static_cast<std::size_t>(kSlots));
  EXPECT_THROW(make(rules, random_matrix(kSlots, kKey, 1)), base::Error);
}

}  // namespace
}  // namespace larimar::shard
