#include "common/linalg/factor.h"

#include <gtest/gtest.h>

#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::kDoubleRounding;
using reference::random_matrix;

MatrixF64 random_f64(Index rows, Index columns, std::uint64_t seed) {
  return random_matrix(rows, columns, seed).cast<double>();
}

TEST(Cholesky, SolvesAndInvertsInBothPrecisions) {
  const MatrixF64 root = random_f64(40, 12, 1), right = random_f64(12, 5, 2);
  const MatrixF64 a = root.transpose() * root;
  const Cholesky<double> exact(a);
  ASSERT_TRUE(exact.positive());
  const double condition = 1.0 / exact.reciprocal_condition();
  EXPECT_GT(condition, 1.0);
  MatrixF64 found = right;
  exact.solve_in_place(found);
  EXPECT_LE((a * found - right).norm(), 8.0 * 12.0 * condition * kDoubleRounding * right.norm());
  EXPECT_LE((a * exact.inverse() - MatrixF64::Identity(12, 12)).norm(), 8.0 * 12.0 * condition * kDoubleRounding * 4.0);
  MatrixF64 half = right;
  exact.solve_lower_in_place(half);
  EXPECT_NEAR(half.squaredNorm(), right.cwiseProduct(found).sum(), 1e-9 * half.squaredNorm())
      << "|L^-1 b|^2 = b' A^-1 b";

  const Cholesky<float> rough(a.cast<float>());
  ASSERT_TRUE(rough.positive());
  Matrix found_float = right.cast<float>();
  rough.solve_in_place(found_float);
  EXPECT_LE((a * found_float.cast<double>() - right).norm(),
            8.0 * 12.0 * condition * reference::kFloatRounding * right.norm());
}

TEST(Cholesky, KnowsWhenAMatrixIsNotPositive) {
  const Cholesky<double> negative(MatrixF64{{1.0, 0.0}, {2.0, 1.0}});
  EXPECT_FALSE(negative.positive());
  EXPECT_EQ(negative.reciprocal_condition(), 0.0);
  EXPECT_FALSE(Cholesky<float>(Matrix::Zero(3, 3)).positive());
}

TEST(Cholesky, ConditionEstimateIsTheRightSize) {
  for (const double condition : {1.0, 1e4, 1e12}) {
    MatrixF64 a = MatrixF64::Identity(6, 6);
    a(3, 3) = 1.0 / condition;
    EXPECT_NEAR(Cholesky<double>(a).reciprocal_condition() * condition, 1.0, 0.5);
  }
}

TEST(SquareLu, SolvesWithRowsThatMustBeSwapped) {
  for (const Index n : {1, 2, 17, 60}) {
    MatrixF64 a = random_f64(n, n, 3);
    if (n > 1) a(0, 0) = 0.0;  // no elimination without a swap
    const MatrixF64 right = random_f64(n, 4, 4);
    const SquareLu lu(a);
    MatrixF64 found = right;
    lu.solve_in_place(found);
    const double size = static_cast<double>(n);
    EXPECT_LE((a * found - right).norm(), 16.0 * size * kDoubleRounding * a.norm() * found.norm()) << n;
    EXPECT_GT(lu.reciprocal_condition(), 0.0);
  }
  EXPECT_EQ(SquareLu(MatrixF64::Ones(3, 3)).reciprocal_condition(), 0.0) << "singular";
}

TEST(SymmetricEigen, PutsTheMatrixTogetherAgain) {
  const MatrixF64 root = random_f64(9, 9, 5);
  const MatrixF64 a = root + root.transpose();
  const SymmetricEigen eigen = symmetric_eigen(a);
  const MatrixF64 again = eigen.vectors.transpose() * eigen.values.asDiagonal() * eigen.vectors;
  EXPECT_LE((again - a).norm(), 32.0 * 9.0 * kDoubleRounding * a.norm());
  EXPECT_TRUE(std::is_sorted(eigen.values.begin(), eigen.values.end()));
  EXPECT_LE((symmetric_eigenvalues(a) - eigen.values).norm(), 32.0 * 9.0 * kDoubleRounding * a.norm());
}

TEST(ThinSvd, PutsWideAndTallMatricesTogetherAgain) {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{4, 9}, {9, 4}, {5, 5}, {1, 3}}) {
    const MatrixF64 a = random_f64(rows, columns, 6);
    const ThinSvd svd = thin_svd(a);
    EXPECT_LE((svd.left * svd.values.asDiagonal() * svd.right - a).norm(), 32.0 * 9.0 * kDoubleRounding * a.norm());
    EXPECT_TRUE(std::is_sorted(svd.values.begin(), svd.values.end(), std::greater<>()));
  }
}

}  // namespace
}  // namespace larimar::linalg
