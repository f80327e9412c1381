#include "common/linalg/pseudo_inverse.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/linalg/blas.h"
#include "common/linalg/factor.h"
#include "common/linalg/finite.h"

namespace larimar::linalg {
namespace {

/// The normal equations err by cond(A)^2 2^-53; down to here that is 2^-29, below a float's rounding.
constexpr double kMinReciprocalCondition = 0x1p-24;
/// X0 = kStart A': min(e^-5, 5e-4) of the method.
constexpr float kStart = 5e-4F;

/// A^+ of a wide matrix [m, n], m <= n, by A' (A A')^-1; empty where its condition is too bad for that.
MatrixF64 wide_by_cholesky(const MatrixF64& a, double tolerance) {
  MatrixF64 gram = MatrixF64::Zero(a.rows(), a.rows());
  add_gram(a, Transpose::kNo, gram);
  const Cholesky<double> cholesky(std::move(gram));
  // The estimate may be 3 times too good, and no singular value may be below the tolerance unseen.
  if (cholesky.reciprocal_condition() < std::max(kMinReciprocalCondition, 3.0 * tolerance * tolerance)) return {};
  MatrixF64 inverse = a;
  cholesky.solve_in_place(inverse);
  return inverse.transpose();
}

MatrixF64 wide_by_svd(MatrixF64 a, double tolerance) {
  const ThinSvd svd = thin_svd(std::move(a));
  const double cut = tolerance * svd.values(0);
  MatrixF64 scaled = svd.right;
  for (Index i = 0; i < svd.values.size(); ++i) {
    scaled.row(i) *= svd.values(i) > cut ? 1.0 / svd.values(i) : 0.0;
  }
  MatrixF64 inverse;
  multiply(scaled, Transpose::kYes, svd.left, Transpose::kYes, inverse);
  return inverse;
}

/// Largest singular value of `a`, whose smaller side decides the cost.
double largest_singular_value(ConstMatrixRef a) {
  const MatrixF64 wide = a.cast<double>();
  const Transpose first = a.rows() <= a.cols() ? Transpose::kNo : Transpose::kYes;
  const Index size = std::min(a.rows(), a.cols());
  MatrixF64 gram = MatrixF64::Zero(size, size);
  add_gram(wide, first, gram);
  return std::sqrt(std::max(0.0, symmetric_eigenvalues(std::move(gram)).maxCoeff()));
}

[[noreturn]] void report_divergence(int step, double norm, double bound) {
  std::ostringstream text;
  text << "the fixed-step pseudo-inverse diverged at step " << step << " (norm of its result " << norm
       << ", largest singular value at most " << bound
       << "; it converges below 63.2); scale the codes down, write fewer segments, or use the exact solve";
  throw base::NumericalError(text.str());
}

}  // namespace

MatrixF64 pseudo_inverse(ConstMatrixRef a, double tolerance) {
  if (!(tolerance >= 0.0 && tolerance < 1.0))
    throw base::ConfigError("the rank tolerance is " + std::to_string(tolerance) + " but must be in [0, 1)");
  check_finite(a, "the matrix to invert");
  if (a.size() == 0) return MatrixF64::Zero(a.cols(), a.rows());
  const bool is_wide = a.rows() <= a.cols();
  MatrixF64 wide = a.cast<double>();
  if (!is_wide) wide = MatrixF64(wide.transpose());
  const double largest = wide.cwiseAbs().maxCoeff();
  if (largest == 0.0) return MatrixF64::Zero(a.cols(), a.rows());
  wide /= largest;  // squares of very small or large floats stay in range
  MatrixF64 inverse = wide_by_cholesky(wide, tolerance);
  if (inverse.size() == 0) inverse = wide_by_svd(std::move(wide), tolerance);
  inverse /= largest;
  if (!is_wide) return inverse.transpose();
  return inverse;
}

Matrix ben_cohen_inverse(ConstMatrixRef a, int steps) {
  if (steps < 1) throw base::ConfigError("ben-cohen needs at least 1 step, not " + std::to_string(steps));
  check_finite(a, "the matrix to invert");
  if (a.size() == 0) return Matrix::Zero(a.cols(), a.rows());
  const double limit = std::sqrt(2.0 / static_cast<double>(kStart));
  // The Frobenius norm bounds the largest singular value from above and costs one pass.
  double bound = a.cast<double>().norm();
  if (bound > limit) bound = largest_singular_value(a);
  if (!(bound <= limit)) report_divergence(1, static_cast<double>(kStart) * a.cast<double>().norm(), bound);

  const bool is_wide = a.rows() <= a.cols();
  Matrix x = kStart * a.transpose(), product, next;
  double residual = std::sqrt(static_cast<double>(std::min(a.rows(), a.cols())));  // of |I - A X| at X = 0
  for (int step = 1; step <= steps; ++step) {
    // X A X through the smaller of A X and X A.
    multiply(is_wide ? a : ConstMatrixRef(x), Transpose::kNo, is_wide ? ConstMatrixRef(x) : a, Transpose::kNo, product);
    const Index size = product.rows();
    const double found = (Matrix::Identity(size, size) - product).cast<double>().norm();
    // |1 - sigma^2 / 2000| <= 1 squares at each step, so the residual only grows by rounding.
    if (!(found <= 2.0 * residual + 0.01 * std::sqrt(static_cast<double>(size))))
      report_divergence(step, x.cast<double>().norm(), bound);
    residual = found;
    next = x;
    if (is_wide) {
      multiply(x, Transpose::kNo, product, Transpose::kNo, next, -1.0F, 2.0F);
    } else {
      multiply(product, Transpose::kNo, x, Transpose::kNo, next, -1.0F, 2.0F);
    }
    x.swap(next);
    if (!x.allFinite()) report_divergence(step, x.cast<double>().norm(), bound);
  }
  return x;
}

}  // namespace larimar::linalg
