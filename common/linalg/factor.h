#pragma once
// Factorisations, on the LAPACK of OpenBLAS. All take their matrix by value and overwrite it; all are row-major.
#include <vector>

#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// A = L L' of a symmetric matrix, of which the lower triangle is read. Scalar is float or double.
/// Owns L; immutable after construction, so any thread may use it.
template <typename Scalar>
class Cholesky {
 public:
  using Dense = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  /// Shapes a [n, n], n >= 1. Cost n^3 / 3 flops.
  explicit Cholesky(Dense a);

  /// False where a pivot was not positive: then nothing else may be asked.
  [[nodiscard]] bool positive() const { return positive_; }
  /// Estimate of 1 / (|A|_1 |A^-1|_1), usually within a factor of 3; 0 if not positive. Cost a few n^2.
  [[nodiscard]] double reciprocal_condition() const;
  /// right <- A^-1 right. Shapes right [n, c]. Cost 2 n^2 c flops.
  void solve_in_place(Dense& right) const;
  /// right <- L^-1 right. Shapes right [n, c]. Cost n^2 c flops.
  void solve_lower_in_place(Dense& right) const;
  /// A^-1, both triangles. Cost 2 n^3 / 3 flops.
  [[nodiscard]] Dense inverse() const;

 private:
  Dense factor_;  // L in the lower triangle
  double norm_ = 0.0;
  bool positive_ = false;
};

/// A = P L U of a square matrix in double. Owns the factors; immutable after construction.
class SquareLu {
 public:
  /// Shapes a [n, n], n >= 1. Cost 2 n^3 / 3 flops.
  explicit SquareLu(MatrixF64 a);
  /// As Cholesky's; 0 for a singular matrix, which cannot be solved.
  [[nodiscard]] double reciprocal_condition() const;
  /// right <- A^-1 right. Shapes right [n, c]. Cost 2 n^2 c flops.
  void solve_in_place(MatrixF64& right) const;

 private:
  MatrixF64 factor_;
  std::vector<int> swaps_;
  double norm_ = 0.0;
  bool regular_ = false;
};

struct SymmetricEigen {
  Eigen::VectorXd values{};  // ascending
  MatrixF64 vectors{};       // [n, n], row i belongs to values(i)
};
/// Of a symmetric matrix, lower triangle read. Shapes a [n, n], n >= 1. Throws NumericalError if the iteration fails.
[[nodiscard]] SymmetricEigen symmetric_eigen(MatrixF64 a);
[[nodiscard]] Eigen::VectorXd symmetric_eigenvalues(MatrixF64 a);

/// a = left diag(values) right, values descending. Shapes a [m, n], r = min(m, n) >= 1, left [m, r], right [r, n].
/// Throws NumericalError if the iteration fails.
struct ThinSvd {
  MatrixF64 left{};
  Eigen::VectorXd values{};
  MatrixF64 right{};
};
[[nodiscard]] ThinSvd thin_svd(MatrixF64 a);

}  // namespace larimar::linalg
