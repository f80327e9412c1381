#include "common/linalg/blas.h"

#include <cblas.h>

#include <algorithm>
#include <limits>
#include <string>

#include "common/base/error.h"

namespace larimar::linalg {
namespace internal {

void start_blas() {
  static const bool started = [] {
    openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(started);
}

int blas_size(Index size) {
  if (size > std::numeric_limits<int>::max())
    throw base::ShapeError("a matrix has " + std::to_string(size) +
                           " rows or columns; OpenBLAS counts to 2147483647, so write in smaller blocks");
  return static_cast<int>(size);
}

}  // namespace internal

namespace {

using internal::blas_size;

template <typename Scalar>
struct Blas;
template <>
struct Blas<float> {
  static constexpr auto gemm = cblas_sgemm;
  static constexpr auto syrk = cblas_ssyrk;
};
template <>
struct Blas<double> {
  static constexpr auto gemm = cblas_dgemm;
  static constexpr auto syrk = cblas_dsyrk;
};

CBLAS_TRANSPOSE flag(Transpose op) { return op == Transpose::kYes ? CblasTrans : CblasNoTrans; }

/// Row stride as OpenBLAS wants it: at least 1, also for a matrix without columns.
template <typename Any>
int stride_of(const Any& matrix) {
  return blas_size(std::max<Index>(1, matrix.outerStride()));
}

std::string shape_text(Index rows, Index columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

template <typename Input, typename Output>
void multiply_any(const Input& a, Transpose op_a, const Input& b, Transpose op_b, Output& out,
                  typename Output::Scalar alpha, typename Output::Scalar beta) {
  using Scalar = typename Output::Scalar;
  internal::start_blas();
  const Index m = op_a == Transpose::kYes ? a.cols() : a.rows(), k = op_a == Transpose::kYes ? a.rows() : a.cols();
  const Index n = op_b == Transpose::kYes ? b.rows() : b.cols(), k_b = op_b == Transpose::kYes ? b.cols() : b.rows();
  if (k != k_b)
    throw base::ShapeError("a product of " + shape_text(m, k) + " and " + shape_text(k_b, n) +
                           " has no meaning; the inner sizes must agree");
  if (beta == Scalar(0)) {
    out.resize(m, n);
  } else if (out.rows() != m || out.cols() != n) {
    throw base::ShapeError("a product of shape " + shape_text(m, n) + " cannot be added to " +
                           shape_text(out.rows(), out.cols()));
  }
  if (m == 0 || n == 0) return;
  if (k == 0) {
    out *= beta;
    if (beta == Scalar(0)) out.setZero();
    return;
  }
  Blas<Scalar>::gemm(CblasRowMajor, flag(op_a), flag(op_b), blas_size(m), blas_size(n), blas_size(k), alpha, a.data(),
                     stride_of(a), b.data(), stride_of(b), beta, out.data(), stride_of(out));
}

template <typename Input, typename Output>
void add_gram_any(const Input& a, Transpose first, Output& out, typename Output::Scalar alpha) {
  internal::start_blas();
  const Index n = first == Transpose::kYes ? a.cols() : a.rows(), k = first == Transpose::kYes ? a.rows() : a.cols();
  if (out.rows() != n || out.cols() != n)
    throw base::ShapeError("a Gram matrix of size " + std::to_string(n) + " cannot be added to " +
                           shape_text(out.rows(), out.cols()));
  if (n == 0 || k == 0) return;
  Blas<typename Output::Scalar>::syrk(CblasRowMajor, CblasLower, flag(first), blas_size(n), blas_size(k), alpha,
                                      a.data(), stride_of(a), 1, out.data(), stride_of(out));
}

template <typename Any>
void mirror_any(Any& a) {
  constexpr Index kTile = 32;  // two tiles of doubles fit the first-level cache
  for (Index top = 0; top < a.rows(); top += kTile) {
    for (Index left = 0; left <= top; left += kTile) {
      const Index bottom = std::min(top + kTile, a.rows());
      for (Index row = top; row < bottom; ++row) {
        const Index right = std::min(left + kTile, row);
        for (Index column = left; column < right; ++column) a(column, row) = a(row, column);
      }
    }
  }
}

}  // namespace

void set_blas_threads(int threads) {
  if (threads < 1) throw base::ConfigError("a product needs at least 1 thread, not " + std::to_string(threads));
  internal::start_blas();
  openblas_set_num_threads(threads);
}

void multiply(ConstMatrixRef a, Transpose op_a, ConstMatrixRef b, Transpose op_b, Matrix& out, float alpha,
              float beta) {
  multiply_any(a, op_a, b, op_b, out, alpha, beta);
}

void multiply(const MatrixF64& a, Transpose op_a, const MatrixF64& b, Transpose op_b, MatrixF64& out, double alpha,
              double beta) {
  multiply_any(a, op_a, b, op_b, out, alpha, beta);
}

void add_gram(ConstMatrixRef a, Transpose first, Matrix& out, float alpha) { add_gram_any(a, first, out, alpha); }

void add_gram(const MatrixF64& a, Transpose first, MatrixF64& out, double alpha) { add_gram_any(a, first, out, alpha); }

void multiply_lower(const Matrix& a, ConstMatrixRef b, Matrix& out) {
  internal::start_blas();
  const Index n = a.rows();
  if (b.rows() != a.cols() || b.cols() != n)
    throw base::ShapeError("a symmetric product needs [n, k] and [k, n], not " + shape_text(n, a.cols()) + " and " +
                           shape_text(b.rows(), b.cols()));
  out.resize(n, n);
  const Index step = std::max<Index>(64, (n + 3) / 4);
  for (Index top = 0; top < n; top += step) {
    const Index bottom = std::min(top + step, n);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, blas_size(bottom - top), blas_size(bottom),
                blas_size(a.cols()), 1, a.data() + top * a.cols(), stride_of(a), b.data(), stride_of(b), 0,
                out.data() + top * n, stride_of(out));
  }
}

void mirror_lower(Matrix& a) { mirror_any(a); }
void mirror_lower(MatrixF64& a) { mirror_any(a); }

}  // namespace larimar::linalg
