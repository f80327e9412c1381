#include "common/linalg/least_squares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "common/base/error.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::kDoubleRounding;
using reference::kFloatRounding;
using reference::random_matrix;

void expect_near_reference(const Matrix& found, const reference::Write& exact, const std::string& what) {
  // One rounding to float, and the normal equations' condition times double rounding (docs/numerics.md).
  const double size = static_cast<double>(found.rows());
  const double bound = (kFloatRounding + 8.0 * size * exact.condition * kDoubleRounding) * exact.memory.norm();
  EXPECT_LE((found.cast<double>() - exact.memory).norm(), bound) << what << ", condition " << exact.condition;
}

TEST(SolveWrite, AgreesWithTheSingularValueReference) {
  const Index sizes[][3] = {{1, 1, 1}, {3, 5, 4}, {40, 12, 7}, {12, 12, 3}, {200, 30, 16}};
  for (const auto& [segments, slots, latent] : sizes) {
    for (const double ridge : {0.0, 1e-3, 2.0}) {
      const Matrix W = random_matrix(segments, slots, 1), Z = random_matrix(segments, latent, 2),
                   M0 = random_matrix(slots, latent, 3);
      const Matrix found = solve_write({.addressing = W, .codes = Z, .prior = M0, .ridge = ridge});
      expect_near_reference(
          found, reference::solve_write(W, Z, M0, ridge),
          "N " + std::to_string(segments) + " K " + std::to_string(slots) + " ridge " + std::to_string(ridge));
    }
  }
}

TEST(SolveWrite, RankDeficientWeightsGiveTheSolutionNearestToThePrior) {
  Matrix W = random_matrix(50, 20, 4);
  W.col(7) = W.col(3);
  W.col(11).setZero();
  const Matrix Z = random_matrix(50, 6, 5), M0 = random_matrix(20, 6, 6);
  const Matrix found = solve_write({.addressing = W, .codes = Z, .prior = M0});
  expect_near_reference(found, reference::solve_write(W, Z, M0, 0.0), "duplicate and zero columns");
  EXPECT_EQ(found.row(11), M0.row(11)) << "a slot that nothing addresses keeps its prior";
}

TEST(SolveWrite, NeverReturnsAnythingButFiniteNumbers) {
  for (const float scale : {1e-2F, 1.0F, 1e3F}) {
    for (const Index segments : {1, 15, 16, 17, 64}) {
      Matrix W = random_matrix(segments, 16, 7, scale);
      if (segments > 2) W.row(1) = W.row(0);
      if (segments > 3) W.row(2).setZero();
      const Matrix found =
          solve_write({.addressing = W, .codes = random_matrix(segments, 4, 8, scale), .prior = std::nullopt});
      EXPECT_TRUE(found.allFinite()) << segments << " segments, scale " << scale;
    }
  }
}

TEST(SolveWrite, NoSegmentsReturnThePriorOrZero) {
  const Matrix M0 = random_matrix(4, 3, 9);
  EXPECT_EQ(solve_write({.addressing = Matrix(0, 4), .codes = Matrix(0, 3), .prior = M0}), M0);
  EXPECT_EQ(solve_write({.addressing = Matrix(0, 4), .codes = Matrix(0, 3), .prior = std::nullopt}),
            Matrix::Zero(4, 3));
}

TEST(SolveWrite, RefusesWhatItCannotSolve) {
  const Matrix W = random_matrix(5, 3, 10), Z = random_matrix(5, 2, 11);
  EXPECT_THROW((void)solve_write({.addressing = Matrix(5, 0), .codes = Z, .prior = std::nullopt}), base::ShapeError)
      << "K = 0";
  EXPECT_THROW((void)solve_write({.addressing = W, .codes = random_matrix(4, 2, 1), .prior = std::nullopt}),
               base::ShapeError);
  const Matrix wrong_prior = random_matrix(3, 5, 1);
  EXPECT_THROW((void)solve_write({.addressing = W, .codes = Z, .prior = wrong_prior}), base::ShapeError);
  for (const double ridge : {-1e-9, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW((void)solve_write({.addressing = W, .codes = Z, .prior = std::nullopt, .ridge = ridge}),
                 base::ConfigError)
        << ridge;
  }
  Matrix bad = Z;
  bad(4, 1) = std::numeric_limits<float>::quiet_NaN();
  try {
    (void)solve_write({.addressing = W, .codes = bad, .prior = std::nullopt});
    FAIL() << "NaN was accepted";
  } catch (const base::NumericalError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("codes row 4, column 1"));
  }
  const Matrix tiny = Matrix::Constant(1, 1, 1e-30F), huge = Matrix::Constant(1, 1, 1e30F);
  try {
    (void)solve_write({.addressing = tiny, .codes = huge, .prior = std::nullopt});
    FAIL() << "1e60 was put into a float";
  } catch (const base::NumericalError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("condition estimate"));
  }
}

TEST(SolveOneHot, EqualsTheDenseSolve) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random(seed);
    const Index segments = static_cast<Index>(random() % 60), slots = 1 + static_cast<Index>(random() % 20), latent = 5;
    const double ridge = seed % 2 == 0 ? 0.0 : 0.25;
    std::vector<std::uint32_t> slot_of(static_cast<std::size_t>(segments));
    Matrix W = Matrix::Zero(segments, slots);
    for (Index i = 0; i < segments; ++i) {
      slot_of[static_cast<std::size_t>(i)] = static_cast<std::uint32_t>(random() % static_cast<std::uint64_t>(slots));
      W(i, static_cast<Index>(slot_of[static_cast<std::size_t>(i)])) = 1.0F;
    }
    const Matrix Z = random_matrix(segments, latent, seed + 100), M0 = random_matrix(slots, latent, seed + 200);
    const Matrix dense = solve_write({.addressing = W, .codes = Z, .prior = M0, .ridge = ridge});
    const Matrix fast = solve_one_hot({.slot_of = slot_of, .slots = slots, .codes = Z, .prior = M0, .ridge = ridge});
    // Both are within double rounding of the exact row, then rounded to float once each.
    const double largest = std::max(
        1.0, static_cast<double>(std::max(M0.cwiseAbs().maxCoeff(), segments > 0 ? Z.cwiseAbs().maxCoeff() : 0.0F)));
    const double bound = (2.0 * kFloatRounding + 64.0 * 100.0 * kDoubleRounding) * largest;
    EXPECT_LE((dense - fast).cast<double>().cwiseAbs().maxCoeff(), bound) << "seed " << seed;
  }
}

TEST(SolveOneHot, FollowsTheFormulaOnNumbersDoneByHand) {
  const std::vector<std::uint32_t> slot_of{2, 0, 2};
  const Matrix Z{{1.0F}, {5.0F}, {3.0F}}, M0{{10.0F}, {20.0F}, {30.0F}};
  const Matrix plain = solve_one_hot({.slot_of = slot_of, .slots = 3, .codes = Z, .prior = std::nullopt});
  EXPECT_EQ(plain, (Matrix{{5.0F}, {0.0F}, {2.0F}}));
  const Matrix ridged = solve_one_hot({.slot_of = slot_of, .slots = 3, .codes = Z, .prior = M0, .ridge = 2.0});
  EXPECT_EQ(ridged, (Matrix{{25.0F / 3.0F}, {20.0F}, {16.0F}}));
}

TEST(SolveOneHot, RefusesASlotOutOfRange) {
  const std::vector<std::uint32_t> slot_of{0, 3};
  EXPECT_THROW(
      (void)solve_one_hot({.slot_of = slot_of, .slots = 3, .codes = Matrix::Zero(2, 1), .prior = std::nullopt}),
      base::ShapeError);
  EXPECT_THROW((void)solve_one_hot({.slot_of = {}, .slots = 0, .codes = Matrix(0, 1), .prior = std::nullopt}),
               base::ShapeError);
  EXPECT_THROW(OneHotWriter(0), base::ShapeError);
}

}  // namespace
}  // namespace larimar::linalg
