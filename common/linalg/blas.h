#pragma once
// The large products, on OpenBLAS (run-time dispatch over instruction sets). One thread unless told. Row-major.
// Order of the sums is the library's own: results agree to rounding, not to the bit, between machines.
#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// Threads that a product or factorisation may use; 1 until called. Process-wide. Throws ConfigError for less than 1.
void set_blas_threads(int threads);

enum class Transpose { kNo, kYes };

/// out = alpha * op(a) op(b) + beta * out; out is resized where beta is 0.
/// Shapes  op(a) [m, k], op(b) [k, n], out [m, n]; out must not overlap the inputs.
/// Throws  ShapeError. Cost 2 m n k flops; no allocation but that of `out`.
void multiply(ConstMatrixRef a, Transpose op_a, ConstMatrixRef b, Transpose op_b, Matrix& out, float alpha = 1,
              float beta = 0);
void multiply(const MatrixF64& a, Transpose op_a, const MatrixF64& b, Transpose op_b, MatrixF64& out, double alpha = 1,
              double beta = 0);

/// Lower triangle of out += alpha * a'a (kYes) or a a' (kNo); the upper triangle is left alone (mirror_lower fills it).
/// Shapes  a [n, k], out [k, k] for a'a, [n, n] for a a'. Throws ShapeError. Cost n k (k + 1) flops for a'a.
void add_gram(ConstMatrixRef a, Transpose first, Matrix& out, float alpha = 1);
void add_gram(const MatrixF64& a, Transpose first, MatrixF64& out, double alpha = 1);

/// out = a b of which only the blocks that reach the lower triangle are computed, because the product is known to be symmetric.
/// Shapes  a [n, k], b [k, n], out [n, n]. Throws ShapeError. Cost about 1.25 n n k flops.
void multiply_lower(const Matrix& a, ConstMatrixRef b, Matrix& out);

/// Copies the lower triangle of a square matrix to the upper one.
void mirror_lower(Matrix& a);
void mirror_lower(MatrixF64& a);

namespace internal {
/// Called by all that enters OpenBLAS: its own default is one thread for each core.
void start_blas();
/// A dimension as OpenBLAS takes it. Throws ShapeError above 2^31 - 1.
[[nodiscard]] int blas_size(Index size);
}  // namespace internal

}  // namespace larimar::linalg
