#include "common/linalg/pseudo_inverse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::kDoubleRounding;
using reference::kFloatRounding;
using reference::random_matrix;
using reference::relative_error;
using reference::with_singular_values;

MatrixF64 reference_inverse(const Matrix& a, double tolerance) {
  const Eigen::JacobiSVD<Eigen::MatrixXd> svd(a.cast<double>(), Eigen::ComputeThinU | Eigen::ComputeThinV);
  Eigen::VectorXd inverted = svd.singularValues();
  for (double& value : inverted) value = value > tolerance * svd.singularValues()(0) ? 1.0 / value : 0.0;
  return svd.matrixV() * inverted.asDiagonal() * svd.matrixU().transpose();
}

TEST(PseudoInverse, AgreesWithSingularValuesForEveryShapeAndCondition) {
  const Index shapes[][2] = {{1, 1}, {1, 6}, {6, 1}, {20, 45}, {45, 20}, {30, 30}};
  for (const auto& [rows, columns] : shapes) {
    for (const double condition : {1.0, 50.0, 3e3, 2e4}) {
      for (const double size : {1e-3, 1.0, 1e3}) {
        const Matrix a = with_singular_values(rows, columns, size, size / condition, 1);
        // Through the Gram matrix the condition counts twice, and that way is taken up to a condition of 2^12.
        const double used = std::min(rows, columns) == 1 ? 1.0 : condition;
        const double bound = 16.0 * 45.0 * kDoubleRounding * (used <= 0x1p13 ? used * used : used);
        EXPECT_LE(relative_error(pseudo_inverse(a), reference_inverse(a, kFloatRankTolerance)), bound)
            << rows << " x " << columns << ", condition " << condition << ", size " << size;
      }
    }
  }
}

TEST(PseudoInverse, SmallSingularValuesAreNoise) {
  Matrix a = random_matrix(12, 30, 2);
  a.row(7) = a.row(3);                    // rank 11
  a.row(9) = 2.0F * a.row(1) - a.row(0);  // rank 10 but for the rounding of this row
  const MatrixF64 inverse = pseudo_inverse(a);
  const MatrixF64 exact = reference_inverse(a, kFloatRankTolerance);
  EXPECT_LE(relative_error(inverse, exact), 1e-9);
  const MatrixF64 wide = a.cast<double>();
  EXPECT_LE((wide * inverse * wide - wide).norm(), 1e-5 * wide.norm()) << "A A^+ A = A but for what counts as zero";
  const Matrix spread = with_singular_values(6, 6, 1.0, 0.02, 3);
  EXPECT_LE(relative_error(pseudo_inverse(spread, 0.1), reference_inverse(spread, 0.1)), 1e-9)
      << "also a large tolerance";
}

TEST(PseudoInverse, ZeroAndEmptyMatrices) {
  EXPECT_EQ(pseudo_inverse(Matrix::Zero(3, 5)), MatrixF64::Zero(5, 3));
  EXPECT_EQ(pseudo_inverse(Matrix(0, 5)).rows(), 5);
  EXPECT_EQ(pseudo_inverse(Matrix(4, 0)).cols(), 4);
  const Matrix tiny = Matrix::Constant(1, 1, 1e-30F);
  EXPECT_NEAR(pseudo_inverse(tiny)(0, 0) * 1e-30, 1.0, 1e-6);
}

TEST(PseudoInverse, RefusesBadInput) {
  Matrix a = random_matrix(3, 4, 4);
  EXPECT_THROW((void)pseudo_inverse(a, -1e-9), base::ConfigError);
  EXPECT_THROW((void)pseudo_inverse(a, 1.0), base::ConfigError);
  EXPECT_THROW((void)pseudo_inverse(a, std::nan("")), base::ConfigError);
  EXPECT_THROW((void)ben_cohen_inverse(a, 0), base::ConfigError);
  a(2, 1) = std::numeric_limits<float>::infinity();
  for (const bool exact : {true, false}) {
    try {
      if (exact) {
        (void)pseudo_inverse(a);
      } else {
        (void)ben_cohen_inverse(a);
      }
      FAIL() << "infinity was accepted";
    } catch (const base::NumericalError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("row 2, column 1"));
    }
  }
}

/// The iteration in float64 beside a bound of what float rounding can have added to it. With X' = 2 X - X A X an error d of X becomes
/// d (I - A X) + (I - X A) d - d A d, and the step itself rounds in float: twice the inner size products of |X| |A| |X|.
struct Model {
  MatrixF64 inverse;
  double bound = 0.0;
};

double largest_value(const MatrixF64& a) { return Eigen::JacobiSVD<Eigen::MatrixXd>(a).singularValues()(0); }

Model model_of(const Matrix& a, int steps) {
  const MatrixF64 A = a.cast<double>();
  const Index m = a.rows(), n = a.cols();
  Model model{5e-4 * A.transpose(), 0.0};
  MatrixF64& X = model.inverse;
  model.bound = 2.0 * kFloatRounding * X.norm();  // 5e-4 and the product are rounded
  const double size = largest_value(A);
  for (int step = 0; step < steps; ++step) {
    const double growth =
        largest_value(MatrixF64::Identity(m, m) - A * X) + largest_value(MatrixF64::Identity(n, n) - X * A);
    const double inner =
        std::sqrt(static_cast<double>(m + n));  // roundings of a sum are independent: root of their number
    const double rounding = 4.0 * inner * kFloatRounding * (2.0 * X.norm() + X.norm() * size * largest_value(X));
    model.bound = growth * model.bound + size * model.bound * model.bound + rounding;
    X = MatrixF64(2.0 * X - X * A * X);
  }
  return model;
}

TEST(BenCohenInverse, EqualsTheModelInDoubleWhereThatConverges) {
  const Index shapes[][2] = {{10, 24}, {24, 10}, {16, 16}};
  for (const auto& [rows, columns] : shapes) {
    for (const int steps : {3, 7, 15}) {
      for (const double largest : {0.5, 10.0, 40.0, 63.0}) {
        const Matrix a = with_singular_values(rows, columns, largest, largest / 2.5, 5);
        const Model model = model_of(a, steps);
        const double error = (ben_cohen_inverse(a, steps).cast<double>() - model.inverse).norm();
        EXPECT_LE(error, model.bound) << rows << " x " << columns << ", " << steps << " steps, largest " << largest;
        if (steps == 15 && largest > 5.0) {
          EXPECT_LE(relative_error(model.inverse, pseudo_inverse(a)), 1e-3) << "converged";
        }
      }
    }
  }
}

TEST(BenCohenInverse, ReportsDivergenceInsteadOfNan) {
  for (const double largest : {63.3, 70.0, 1e3, 1e15}) {
    for (const int steps : {3, 7, 15}) {
      const Matrix a = with_singular_values(20, 30, largest, largest / 3.0, 6);
      try {
        (void)ben_cohen_inverse(a, steps);
        FAIL() << "a largest singular value of " << largest << " was accepted";
      } catch (const base::NumericalError& error) {
        EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("diverged at step"), testing::HasSubstr("norm"),
                                                 testing::HasSubstr("largest singular value")));
      }
    }
  }
}

TEST(BenCohenInverse, AFrobeniusNormAboveTheLimitAloneIsNoDivergence) {
  const Matrix a = with_singular_values(20, 30, 60.0, 40.0, 7);
  EXPECT_GT(a.norm(), 63.3F);
  EXPECT_TRUE(ben_cohen_inverse(a).allFinite());
}

TEST(BenCohenInverse, NeverReturnsAnythingButFiniteNumbers) {
  for (const float norm : {1e-2F, 1.0F, 10.0F, 1e3F}) {
    for (const Index rows : {1, 15, 16, 17, 32}) {
      Matrix a = random_matrix(rows, 16, 8, norm / 4.0F);
      if (rows > 2) a.row(1) = a.row(0);
      if (rows > 3) a.row(2).setZero();
      try {
        EXPECT_TRUE(ben_cohen_inverse(a).allFinite()) << rows << " rows of norm " << norm;
      } catch (const base::NumericalError& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("diverged"));
        EXPECT_GT(norm, 1.0F);
      }
    }
  }
  EXPECT_EQ(ben_cohen_inverse(Matrix::Zero(3, 5)), Matrix::Zero(5, 3));
  EXPECT_EQ(ben_cohen_inverse(Matrix(0, 5)).rows(), 5);
}

}  // namespace
}  // namespace larimar::linalg
