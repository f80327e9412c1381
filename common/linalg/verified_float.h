#pragma once
// Normal equations solved in float, and taken only if probes in double show that the result is right.
#include <functional>
#include <optional>

#include "common/linalg/matrix.h"

namespace larimar::linalg::internal {

struct FloatNormalEquations {
  Matrix gram{};                // G [slots, slots], lower triangle
  Matrix right{};               // B [slots, latent]
  double ridge = 0.0;           // >= 0
  double accepted_error = 0.0;  // relative, > 0
  /// (B - (G + ridge I) M) v of the exact problem, in double: probes v [latent, p], reads M v [slots, p]; returns [slots, p].
  std::function<MatrixF64(const MatrixF64& probes, const MatrixF64& reads)> residual{};
};

/// (G + ridge I)^-1 B in float if its relative error is accepted, otherwise nothing. With e = M - M* and normal v, |e v|^2 has the mean
/// |e|^2, and e v = -(G + ridge I)^-1 residual(v). The root mean square of 32 probes, taken twice, is below |e| with a
/// probability of at most 5e-6 (a chi-square of 32 degrees below 8, the worst case of an error of rank one).
/// Cost    slots^3 / 3 + 2 slots^2 latent flops in float, and the residual of 32 vectors.
[[nodiscard]] std::optional<Matrix> solve_in_float(FloatNormalEquations equations);

/// W' (W d) in double of a float matrix: cast in blocks that stay in cache. Shapes W [n, k], d [k, p]; returns [k, p].
[[nodiscard]] MatrixF64 apply_gram(ConstMatrixRef W, const MatrixF64& d);

}  // namespace larimar::linalg::internal
