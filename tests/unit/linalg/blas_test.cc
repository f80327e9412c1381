#include "common/linalg/blas.h"

#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::random_matrix;

TEST(Blas, ProductsAgreeWithPlainOnesForEveryTransposition) {
  const Matrix a = random_matrix(7, 5, 1), b = random_matrix(5, 9, 2), start = random_matrix(7, 9, 3);
  const Matrix a_t = a.transpose(), b_t = b.transpose();
  const MatrixF64 exact = 2.0 * (a.cast<double>() * b.cast<double>()) + 0.5 * start.cast<double>();
  // At most 5 products, one scaling and one addition for each of the two terms.
  const double bound = 8.0 * reference::kFloatRounding * (2.0 * a.norm() * b.norm() + start.norm());
  for (const Transpose op_a : {Transpose::kNo, Transpose::kYes}) {
    for (const Transpose op_b : {Transpose::kNo, Transpose::kYes}) {
      Matrix out = start;
      multiply(op_a == Transpose::kNo ? a : a_t, op_a, op_b == Transpose::kNo ? b : b_t, op_b, out, 2.0F, 0.5F);
      EXPECT_LE((out.cast<double>() - exact).norm(), bound);
      MatrixF64 wide = start.cast<double>();
      multiply((op_a == Transpose::kNo ? a : a_t).cast<double>(), op_a,
               (op_b == Transpose::kNo ? b : b_t).cast<double>(), op_b, wide, 2.0, 0.5);
      EXPECT_LE((wide - exact).norm(), bound * 0x1p-29);
    }
  }
}

TEST(Blas, RowsWithAStrideAreReadWhereTheyStand) {
  const Matrix whole = random_matrix(6, 10, 4);
  Matrix out;
  multiply(whole.leftCols(4), Transpose::kNo, whole.rightCols(4), Transpose::kYes, out);
  const Matrix exact = whole.leftCols(4) * whole.rightCols(4).transpose();
  EXPECT_LE((out - exact).norm(), 1e-5F * exact.norm());
}

TEST(Blas, GramFillsTheLowerTriangleOnly) {
  const Matrix a = random_matrix(40, 35, 5);
  Matrix gram = Matrix::Constant(35, 35, 7.0F), other = Matrix::Zero(40, 40);
  add_gram(a, Transpose::kYes, gram);
  EXPECT_EQ(gram(3, 20), 7.0F);
  Matrix filled = Matrix::Zero(35, 35);
  add_gram(a, Transpose::kYes, filled);
  mirror_lower(filled);
  EXPECT_LE((filled - a.transpose() * a).norm(), 1e-5F * filled.norm());
  EXPECT_EQ(filled, filled.transpose());
  add_gram(a, Transpose::kNo, other, -1.0F);
  mirror_lower(other);
  EXPECT_LE((other + a * a.transpose()).norm(), 1e-5F * other.norm());
}

TEST(Blas, ALowerProductHoldsTheWholeLowerTriangle) {
  for (const Index n : {1, 63, 64, 65, 300}) {
    const Matrix a = random_matrix(n, 8, 6), b = a.transpose();
    Matrix out;
    multiply_lower(a, b, out);
    mirror_lower(out);
    EXPECT_LE((out - a * b).norm(), 1e-5F * out.norm()) << n;
  }
}

TEST(Blas, EmptyProductsAndRefusals) {
  Matrix out = Matrix::Ones(2, 3);
  multiply(Matrix(2, 0), Transpose::kNo, Matrix(0, 3), Transpose::kNo, out);
  EXPECT_EQ(out, Matrix::Zero(2, 3)) << "a sum of nothing";
  multiply(Matrix(0, 4), Transpose::kNo, Matrix::Ones(4, 3), Transpose::kNo, out);
  EXPECT_EQ(out.rows(), 0);
  EXPECT_THROW(multiply(Matrix::Ones(2, 3), Transpose::kNo, Matrix::Ones(2, 3), Transpose::kNo, out), base::ShapeError);
  Matrix small = Matrix::Ones(1, 1);
  EXPECT_THROW(multiply(Matrix::Ones(2, 3), Transpose::kNo, Matrix::Ones(3, 2), Transpose::kNo, small, 1, 1),
               base::ShapeError);
  EXPECT_THROW(add_gram(Matrix::Ones(2, 3), Transpose::kYes, small), base::ShapeError);
  EXPECT_THROW(multiply_lower(Matrix::Ones(2, 3), Matrix::Ones(3, 4), small), base::ShapeError);
  EXPECT_THROW(set_blas_threads(0), base::ConfigError);
  set_blas_threads(1);
}

}  // namespace
}  // namespace larimar::linalg
