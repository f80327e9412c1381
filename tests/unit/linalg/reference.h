#pragma once
// Slow obvious float64 models that the fast paths are compared with, and the matrices they are compared on.
#include <Eigen/QR>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "common/linalg/matrix.h"

namespace larimar::linalg::reference {

inline constexpr double kFloatRounding = 0x1p-24;
inline constexpr double kDoubleRounding = 0x1p-53;

/// Instrumented builds take smaller problems.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

inline Matrix random_matrix(Index rows, Index columns, std::uint64_t seed, float scale = 1.0F) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0F, scale);
  return Matrix::NullaryExpr(rows, columns, [&] { return normal(random); });
}

/// Orthonormal columns: [rows, columns], rows >= columns.
inline Eigen::MatrixXd random_orthonormal(Index rows, Index columns, std::uint64_t seed) {
  const Eigen::MatrixXd normal = random_matrix(rows, columns, seed).cast<double>();
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(normal);
  return qr.householderQ() * Eigen::MatrixXd::Identity(rows, columns);
}

/// A matrix whose singular values fall geometrically from `largest` to `smallest`, rounded to float.
inline Matrix with_singular_values(Index rows, Index columns, double largest, double smallest, std::uint64_t seed) {
  const Index rank = std::min(rows, columns);
  Eigen::VectorXd values(rank);
  for (Index i = 0; i < rank; ++i) {
    const double share = rank > 1 ? static_cast<double>(i) / static_cast<double>(rank - 1) : 0.0;
    values(i) = largest * std::pow(smallest / largest, share);
  }
  const Eigen::MatrixXd product = random_orthonormal(rows, rank, seed) * values.asDiagonal() *
                                  random_orthonormal(columns, rank, seed + 1).transpose();
  return product.cast<float>();
}

struct Write {
  MatrixF64 memory;
  double condition = 0.0;  // of the Gram matrix on its range
};

/// argmin |W M - Z|^2 + ridge |M - M0|^2 by singular values of [W; sqrt(ridge) I], those below 1e-10 of the largest dropped.
inline Write solve_write(const Matrix& W, const Matrix& Z, const Matrix& M0, double ridge) {
  const Index slots = W.cols(), extra = ridge > 0.0 ? slots : 0;
  Eigen::MatrixXd stacked(W.rows() + extra, slots), right(W.rows() + extra, Z.cols());
  stacked.topRows(W.rows()) = W.cast<double>();
  stacked.bottomRows(extra) = Eigen::MatrixXd::Identity(extra, slots) * std::sqrt(ridge);
  right.topRows(W.rows()) = Z.cast<double>() - W.cast<double>() * M0.cast<double>();
  right.bottomRows(extra).setZero();
  if (stacked.rows() == 0) return {M0.cast<double>(), 1.0};
  Eigen::JacobiSVD<Eigen::MatrixXd> svd(stacked, Eigen::ComputeThinU | Eigen::ComputeThinV);
  svd.setThreshold(1e-10);
  if (svd.rank() == 0) return {M0.cast<double>(), 1.0};
  const double ratio = svd.singularValues()(0) / svd.singularValues()(svd.rank() - 1);
  return {M0.cast<double>() + svd.solve(right), ratio * ratio};
}

/// |found - expected| / |expected|, both as doubles; absolute where `expected` is zero.
template <typename Found, typename Expected>
double relative_error(const Found& found, const Expected& expected) {
  const MatrixF64 difference = found.template cast<double>() - expected.template cast<double>();
  const double size = expected.template cast<double>().norm();
  return size > 0.0 ? difference.norm() / size : difference.norm();
}

}  // namespace larimar::linalg::reference
