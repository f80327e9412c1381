#pragma once
// The large products, on OpenBLAS (run-time dispatch over instruction sets). One thread unless told. Row-major.
// Order of the sums is the library's own: results agree to rounding, not to the bit, between machines.
#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// Threads that a product may use; 1 until called. Process-wide. Throws ConfigError for less than 1.
void set_blas_threads(int threads);

enum class Transpose { kNo, kYes };

/// out = alpha * op(a) op(b) + beta * out.
/// Shapes  op(a) [m, k], op(b) [k, n], out [m, n]; out must not overlap the inputs.
/// Throws  ShapeError. Cost 2 m n k flops; no allocation.
void multiply(ConstMatrixRef a, Transpose op_a, ConstMatrixRef b, Transpose op_b, Matrix& out, float alpha = 1,
              float beta = 0);
void multiply(const MatrixF64& a, Transpose op_a, const MatrixF64& b, Transpose op_b, MatrixF64& out, double alpha = 1,
              double beta = 0);

}  // namespace larimar::linalg
