#include "common/linalg/factor.h"

#include <cblas.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/linalg/blas.h"

// LAPACK counts columns first, so it sees our matrices transposed: its upper triangle is our lower one.
extern "C" {
void spotrf_(const char* uplo, const int* n, float* a, const int* lda, int* info);
void dpotrf_(const char* uplo, const int* n, double* a, const int* lda, int* info);
void spocon_(const char* uplo, const int* n, const float* a, const int* lda, const float* norm, float* rcond,
             float* work, int* iwork, int* info);
void dpocon_(const char* uplo, const int* n, const double* a, const int* lda, const double* norm, double* rcond,
             double* work, int* iwork, int* info);
void spotri_(const char* uplo, const int* n, float* a, const int* lda, int* info);
void dpotri_(const char* uplo, const int* n, double* a, const int* lda, int* info);
void dgetrf_(const int* m, const int* n, double* a, const int* lda, int* swaps, int* info);
void dgecon_(const char* norm, const int* n, const double* a, const int* lda, const double* anorm, double* rcond,
             double* work, int* iwork, int* info);
void dsyevd_(const char* job, const char* uplo, const int* n, double* a, const int* lda, double* values, double* work,
             const int* lwork, int* iwork, const int* liwork, int* info);
void dgesdd_(const char* job, const int* m, const int* n, double* a, const int* lda, double* values, double* u,
             const int* ldu, double* vt, const int* ldvt, double* work, const int* lwork, int* iwork, int* info);
}

namespace larimar::linalg {
namespace {

using internal::blas_size;

template <typename Scalar>
struct Lapack;
template <>
struct Lapack<float> {
  static constexpr auto potrf = spotrf_;
  static constexpr auto pocon = spocon_;
  static constexpr auto potri = spotri_;
  static constexpr auto trsm = cblas_strsm;
  static constexpr auto gemm = cblas_sgemm;
};
template <>
struct Lapack<double> {
  static constexpr auto potrf = dpotrf_;
  static constexpr auto pocon = dpocon_;
  static constexpr auto potri = dpotri_;
  static constexpr auto trsm = cblas_dtrsm;
  static constexpr auto gemm = cblas_dgemm;
};

/// A triangle at the diagonal of a factor, and the rows of the right side that belong to it.
template <typename Scalar>
struct Triangle {
  const Scalar* values;
  int stride;
  CBLAS_UPLO half;
  CBLAS_TRANSPOSE op;
  CBLAS_DIAG diagonal;
};

/// right <- op(T)^-1 right by halving: nearly all flops are then products, which OpenBLAS does half as fast again as its own
/// triangular solve of row-major data.
template <typename Scalar>
void solve_part(const Triangle<Scalar>& t, int n, Scalar* right, int columns) {
  constexpr int kSmall = 64;
  if (n <= kSmall) {
    Lapack<Scalar>::trsm(CblasRowMajor, CblasLeft, t.half, t.op, t.diagonal, n, columns, 1, t.values, t.stride, right,
                         columns);
    return;
  }
  const int top = (n / 2 + kSmall - 1) / kSmall * kSmall, bottom = n - top;
  const std::ptrdiff_t stride = t.stride;
  Triangle<Scalar> last = t;
  last.values = t.values + top * stride + top;
  Scalar* lower = right + static_cast<std::ptrdiff_t>(top) * columns;
  if (t.half == CblasLower && t.op == CblasNoTrans) {
    solve_part(t, top, right, columns);
    Lapack<Scalar>::gemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, bottom, columns, top, -1, t.values + top * stride,
                         t.stride, right, columns, 1, lower, columns);
    solve_part(last, bottom, lower, columns);
    return;
  }
  const Scalar* corner = t.op == CblasTrans ? t.values + top * stride : t.values + top;
  solve_part(last, bottom, lower, columns);
  Lapack<Scalar>::gemm(CblasRowMajor, t.op, CblasNoTrans, top, columns, bottom, -1, corner, t.stride, lower, columns, 1,
                       right, columns);
  solve_part(t, top, right, columns);
}

/// Lower triangles plain or transposed, upper ones plain.
template <typename Dense>
void solve_triangle(const Dense& factor, CBLAS_UPLO half, CBLAS_TRANSPOSE op, CBLAS_DIAG diagonal, Dense& right) {
  LARIMAR_EXPECT(right.rows() == factor.rows());
  LARIMAR_EXPECT(half == CblasLower || op == CblasNoTrans);
  if (right.cols() == 0) return;
  const int n = blas_size(factor.rows());
  solve_part<typename Dense::Scalar>({factor.data(), n, half, op, diagonal}, n, right.data(), blas_size(right.cols()));
}

/// Largest absolute column sum of a symmetric matrix, from its lower triangle.
template <typename Dense>
double symmetric_norm(const Dense& a) {
  Eigen::VectorXd sums = Eigen::VectorXd::Zero(a.rows());
  for (Index row = 0; row < a.rows(); ++row) {
    double own = 0.0;
    for (Index column = 0; column < row; ++column) {
      const double value = std::abs(static_cast<double>(a(row, column)));
      own += value;
      sums(column) += value;
    }
    sums(row) += own + std::abs(static_cast<double>(a(row, row)));
  }
  return sums.maxCoeff();
}

void require_converged(int info, const char* what) {
  if (info == 0) return;
  throw base::NumericalError(std::string(what) + " did not converge (LAPACK says " + std::to_string(info) +
                             "); scale the matrix or use a ridge");
}

}  // namespace

template <typename Scalar>
Cholesky<Scalar>::Cholesky(Dense a) : factor_(std::move(a)), norm_(symmetric_norm(factor_)) {
  internal::start_blas();
  const int n = blas_size(factor_.rows());
  int info = 0;
  Lapack<Scalar>::potrf("U", &n, factor_.data(), &n, &info);
  positive_ = info == 0 && factor_.diagonal().allFinite();
}

template <typename Scalar>
double Cholesky<Scalar>::reciprocal_condition() const {
  if (!positive_) return 0.0;
  const int n = blas_size(factor_.rows());
  std::vector<Scalar> work(3 * static_cast<std::size_t>(n));
  std::vector<int> iwork(static_cast<std::size_t>(n));
  const Scalar norm = static_cast<Scalar>(norm_);
  Scalar reciprocal = 0;
  int info = 0;
  Lapack<Scalar>::pocon("U", &n, factor_.data(), &n, &norm, &reciprocal, work.data(), iwork.data(), &info);
  return info == 0 ? static_cast<double>(reciprocal) : 0.0;
}

template <typename Scalar>
void Cholesky<Scalar>::solve_in_place(Dense& right) const {
  solve_triangle(factor_, CblasLower, CblasNoTrans, CblasNonUnit, right);
  solve_triangle(factor_, CblasLower, CblasTrans, CblasNonUnit, right);
}

template <typename Scalar>
void Cholesky<Scalar>::solve_lower_in_place(Dense& right) const {
  solve_triangle(factor_, CblasLower, CblasNoTrans, CblasNonUnit, right);
}

template <typename Scalar>
typename Cholesky<Scalar>::Dense Cholesky<Scalar>::inverse() const {
  Dense inverse = factor_;
  const int n = blas_size(factor_.rows());
  int info = 0;
  Lapack<Scalar>::potri("U", &n, inverse.data(), &n, &info);
  mirror_lower(inverse);
  return inverse;
}

template class Cholesky<float>;
template class Cholesky<double>;

SquareLu::SquareLu(MatrixF64 a)
    : factor_(std::move(a)),
      swaps_(static_cast<std::size_t>(factor_.rows())),
      norm_(factor_.cwiseAbs().rowwise().sum().maxCoeff()) {
  internal::start_blas();
  const int n = blas_size(factor_.rows());
  int info = 0;
  dgetrf_(&n, &n, factor_.data(), &n, swaps_.data(), &info);
  regular_ = info == 0;
}

double SquareLu::reciprocal_condition() const {
  if (!regular_) return 0.0;
  const int n = blas_size(factor_.rows());
  std::vector<double> work(4 * static_cast<std::size_t>(n));
  std::vector<int> iwork(static_cast<std::size_t>(n));
  double reciprocal = 0.0;
  int info = 0;
  dgecon_("1", &n, factor_.data(), &n, &norm_, &reciprocal, work.data(), iwork.data(), &info);
  return info == 0 ? reciprocal : 0.0;
}

void SquareLu::solve_in_place(MatrixF64& right) const {
  // LAPACK factored A' = P L U, so A = U' L' P' and A x = b is three steps.
  solve_triangle(factor_, CblasLower, CblasNoTrans, CblasNonUnit, right);
  solve_triangle(factor_, CblasUpper, CblasNoTrans, CblasUnit, right);
  for (Index row = right.rows() - 1; row >= 0; --row) {
    const Index other = swaps_[static_cast<std::size_t>(row)] - 1;
    if (other != row) right.row(row).swap(right.row(other));
  }
}

namespace {

Eigen::VectorXd eigen_in_place(MatrixF64& a, const char* job) {
  internal::start_blas();
  const int n = blas_size(a.rows()), ask = -1;
  Eigen::VectorXd values(a.rows());
  double work_size = 0.0;
  int iwork_size = 0, info = 0;
  dsyevd_(job, "U", &n, a.data(), &n, values.data(), &work_size, &ask, &iwork_size, &ask, &info);
  std::vector<double> work(static_cast<std::size_t>(work_size));
  std::vector<int> iwork(static_cast<std::size_t>(iwork_size));
  const int lwork = static_cast<int>(work_size);
  dsyevd_(job, "U", &n, a.data(), &n, values.data(), work.data(), &lwork, iwork.data(), &iwork_size, &info);
  require_converged(info, "an eigendecomposition");
  return values;
}

}  // namespace

SymmetricEigen symmetric_eigen(MatrixF64 a) {
  SymmetricEigen result;
  result.values = eigen_in_place(a, "V");
  result.vectors = std::move(a);
  return result;
}

Eigen::VectorXd symmetric_eigenvalues(MatrixF64 a) { return eigen_in_place(a, "N"); }

ThinSvd thin_svd(MatrixF64 a) {
  internal::start_blas();
  const int rows = blas_size(a.cols()), columns = blas_size(a.rows()), rank = std::min(rows, columns), ask = -1;
  ThinSvd result{MatrixF64(a.rows(), rank), Eigen::VectorXd(rank), MatrixF64(rank, a.cols())};
  std::vector<int> iwork(8 * static_cast<std::size_t>(rank));
  double work_size = 0.0;
  int info = 0;
  dgesdd_("S", &rows, &columns, a.data(), &rows, result.values.data(), result.right.data(), &rows, result.left.data(),
          &rank, &work_size, &ask, iwork.data(), &info);
  std::vector<double> work(static_cast<std::size_t>(work_size));
  const int lwork = static_cast<int>(work_size);
  dgesdd_("S", &rows, &columns, a.data(), &rows, result.values.data(), result.right.data(), &rows, result.left.data(),
          &rank, work.data(), &lwork, iwork.data(), &info);
  require_converged(info, "a singular value decomposition");
  return result;
}

}  // namespace larimar::linalg
