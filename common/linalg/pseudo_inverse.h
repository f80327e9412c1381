#pragma once
// Moore-Penrose inverses: the exact one, and the fixed-step iteration of earlier implementations under its own name.
#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// Singular values below this share of the largest are noise of a float matrix and count as zero.
inline constexpr double kFloatRankTolerance = 1e-5;

/// A^+ in double.
/// Shapes  a [m, n]; returns [n, m].
/// Empty   a matrix without rows or columns gives an empty one; a zero matrix gives zero.
/// Throws  NumericalError for NaN or infinity in `a` (row named); ConfigError unless 0 <= tolerance < 1.
/// Cost    O(m n min(m, n)); well-conditioned matrices go through a Cholesky factor of the smaller Gram matrix, the others
///         through a complete orthogonal decomposition or SVD with the tolerance.
[[nodiscard]] MatrixF64 pseudo_inverse(ConstMatrixRef a, double tolerance = kFloatRankTolerance);

inline constexpr int kBenCohenSteps = 15;

/// The iteration X <- 2 X - X A X from X0 = min(e^-5, 5e-4) A', a fixed number of steps in float (method of 2403.11901:
/// 15, 7 or 3). Compatibility only: far from A^+ where A's condition is above a few hundred, and without a limit where its
/// largest singular value is above sqrt(2 / 5e-4) = 63.2.
/// Shapes  a [m, n]; returns [n, m].
/// Throws  NumericalError "diverged" with the step, the norm and a bound of the largest singular value, instead of
///         returning NaN, infinity, or a result of an iteration whose residual grows; ConfigError for steps < 1.
[[nodiscard]] Matrix ben_cohen_inverse(ConstMatrixRef a, int steps = kBenCohenSteps);

}  // namespace larimar::linalg
