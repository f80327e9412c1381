#include "common/linalg/verified_float.h"

#include <algorithm>
#include <random>
#include <utility>

#include "common/linalg/blas.h"
#include "common/linalg/factor.h"

namespace larimar::linalg::internal {
namespace {

constexpr Index kProbes = 32;
constexpr double kSafety = 2.0;
/// The factor also judges the error, for which it needs two digits: n cond 2^-24 well below 1.
constexpr double kMinReciprocalCondition = 0x1p-12;
constexpr Index kBlock = 128;

MatrixF64 random_probes(Index latent) {
  std::mt19937 random(2403);
  std::normal_distribution<double> normal;
  return MatrixF64::NullaryExpr(latent, kProbes, [&] { return normal(random); });
}

}  // namespace

std::optional<Matrix> solve_in_float(FloatNormalEquations equations) {
  if (!equations.gram.allFinite()) return std::nullopt;
  equations.gram.diagonal().array() += static_cast<float>(equations.ridge);
  const Cholesky<float> cholesky(std::move(equations.gram));
  if (cholesky.reciprocal_condition() < kMinReciprocalCondition) return std::nullopt;
  Matrix& memory = equations.right;
  cholesky.solve_in_place(memory);

  const MatrixF64 probes = random_probes(memory.cols());
  MatrixF64 reads(memory.rows(), kProbes);
  for (Index first = 0; first < memory.rows(); first += kBlock) {
    const Index rows = std::min(kBlock, memory.rows() - first);
    MatrixF64 part;
    multiply(memory.middleRows(first, rows).cast<double>(), Transpose::kNo, probes, Transpose::kNo, part);
    reads.middleRows(first, rows) = part;
  }
  Matrix error = equations.residual(probes, reads).cast<float>();
  cholesky.solve_in_place(error);
  const double found = kSafety * error.cast<double>().norm();
  if (!(found <= equations.accepted_error * reads.norm())) return std::nullopt;  // also where something is not finite
  return std::move(memory);
}

MatrixF64 apply_gram(ConstMatrixRef W, const MatrixF64& d) {
  MatrixF64 sum = MatrixF64::Zero(d.rows(), d.cols()), block, part;
  for (Index first = 0; first < W.rows(); first += kBlock) {
    block = W.middleRows(first, std::min(kBlock, W.rows() - first)).cast<double>();
    multiply(block, Transpose::kNo, d, Transpose::kNo, part);
    multiply(block, Transpose::kYes, part, Transpose::kNo, sum, 1.0, 1.0);
  }
  return sum;
}

}  // namespace larimar::linalg::internal
