#include "common/linalg/least_squares.h"

#include <Eigen/QR>
#include <cmath>
#include <limits>
#include <optional>
#include <sstream>
#include <utility>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/linalg/blas.h"
#include "common/linalg/factor.h"
#include "common/linalg/finite.h"
#include "common/linalg/verified_float.h"

namespace larimar::linalg {
namespace {

using Columns = Eigen::MatrixXd;  // column-major where Eigen decomposes: it is faster on it

/// A factor loses its condition * 2^-53 relatively. Down to this reciprocal condition that stays 32 times below a float's 2^-24.
constexpr double kMinReciprocalCondition = 0x1p-24;

std::string shape_text(Index rows, Index columns) {
  return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

void check_border(Index segments, Index slots, ConstMatrixRef codes, const std::optional<ConstMatrixRef>& prior,
                  double ridge) {
  if (slots < 1) throw base::ShapeError("a memory needs at least one slot (K >= 1), but K is 0");
  if (codes.rows() != segments) {
    throw base::ShapeError("there are addressing weights for " + std::to_string(segments) + " segments but codes for " +
                           std::to_string(codes.rows()) + "; each segment needs both");
  }
  if (prior && (prior->rows() != slots || prior->cols() != codes.cols())) {
    throw base::ShapeError("the prior memory has shape " + shape_text(prior->rows(), prior->cols()) +
                           " but the problem needs " + shape_text(slots, codes.cols()) + " (slots, code size)");
  }
  if (!(ridge >= 0.0) || !std::isfinite(ridge)) {
    throw base::ConfigError("ridge is " + std::to_string(ridge) +
                            " but must be a finite number >= 0; 0 means plain least squares");
  }
  check_finite(codes, "codes");
  if (prior) check_finite(*prior, "the prior memory");
}

void check_accepted_error(double accepted) {
  if (!(accepted >= 0.0) || !std::isfinite(accepted))
    throw base::ConfigError("the accepted error is " + std::to_string(accepted) +
                            " but must be a finite number >= 0; 0 asks for a float's rounding");
}

Matrix to_float(const MatrixF64& solution, double condition) {
  Matrix result = solution.cast<float>();
  if (result.allFinite()) return result;
  std::ostringstream text;
  text << "the least-squares memory does not fit into floats (condition estimate " << condition
       << "); use a larger ridge or scale the codes down";
  throw base::NumericalError(text.str());
}

/// Change = argmin |W D - Y|^2 + ridge |D|^2, nearest to zero where that is not unique.
Columns solve_orthogonal(const Columns& weights, const Columns& target, double ridge) {
  Columns stacked = weights;
  Columns right = target;
  const Index slots = weights.cols();
  if (ridge > 0.0) {
    stacked.conservativeResize(weights.rows() + slots, slots);
    stacked.bottomRows(slots) = Columns::Identity(slots, slots) * std::sqrt(ridge);
    right.conservativeResize(weights.rows() + slots, target.cols());
    right.bottomRows(slots).setZero();
  }
  if (stacked.rows() > slots) {
    // A blocked QR first leaves a square factor for the slow pivoted decomposition.
    const Eigen::HouseholderQR<Columns> qr(stacked);
    right.applyOnTheLeft(qr.householderQ().adjoint());
    right = right.topRows(slots).eval();
    stacked = qr.matrixQR().topRows(slots).triangularView<Eigen::Upper>();
  }
  return Eigen::CompleteOrthogonalDecomposition<Columns>(stacked).solve(right);
}

/// What a factor found: the change D = M - M0 and the reciprocal condition; no change, and the target left as it was, where that is
/// too small.
struct Factored {
  std::optional<MatrixF64> change{};
  double reciprocal = 0.0;
};

Factored solve_square(MatrixF64 weights, MatrixF64& target) {
  const SquareLu lu(std::move(weights));
  Factored result{.reciprocal = lu.reciprocal_condition()};
  if (result.reciprocal < kMinReciprocalCondition) return result;
  lu.solve_in_place(target);
  result.change = std::move(target);
  return result;
}

/// D = W'(W W' + ridge I)^-1 Y where there are fewer segments than slots, else (W'W + ridge I)^-1 W'Y.
Factored solve_gram(const MatrixF64& weights, MatrixF64& target, double ridge) {
  const bool is_wide = weights.rows() < weights.cols();
  const Index size = is_wide ? weights.rows() : weights.cols();
  MatrixF64 gram = MatrixF64::Identity(size, size) * ridge;
  add_gram(weights, is_wide ? Transpose::kNo : Transpose::kYes, gram);
  const Cholesky<double> cholesky(std::move(gram));
  Factored result{.reciprocal = cholesky.reciprocal_condition()};
  if (result.reciprocal < kMinReciprocalCondition) return result;
  if (is_wide) {
    cholesky.solve_in_place(target);
    multiply(weights, Transpose::kYes, target, Transpose::kNo, result.change.emplace());
  } else {
    multiply(weights, Transpose::kYes, target, Transpose::kNo, result.change.emplace());
    cholesky.solve_in_place(*result.change);
  }
  return result;
}

std::optional<Matrix> try_float(const WriteProblem& problem) {
  const ConstMatrixRef& W = problem.addressing;
  if (!(problem.accepted_error > 0.0) || problem.prior || W.rows() <= W.cols()) return std::nullopt;
  internal::FloatNormalEquations equations{
      .gram = Matrix::Zero(W.cols(), W.cols()), .ridge = problem.ridge, .accepted_error = problem.accepted_error};
  add_gram(W, Transpose::kYes, equations.gram);
  multiply(W, Transpose::kYes, problem.codes, Transpose::kNo, equations.right);
  equations.residual = [&](const MatrixF64& probes, const MatrixF64& reads) {
    const MatrixF64 weights = W.cast<double>();
    MatrixF64 rest, result = reads;
    multiply(MatrixF64(problem.codes.cast<double>()), Transpose::kNo, probes, Transpose::kNo, rest);
    multiply(weights, Transpose::kNo, reads, Transpose::kNo, rest, -1.0, 1.0);
    multiply(weights, Transpose::kYes, rest, Transpose::kNo, result, 1.0, -problem.ridge);
    return result;
  };
  return internal::solve_in_float(std::move(equations));
}

/// W'W = P'(Z'Z)P and W'Z = P'(Z'Z): no W where there are many segments.
std::optional<Matrix> try_covariance(const CodeProblem& problem) {
  const Index latent = problem.codes.cols();
  Matrix covariance = Matrix::Zero(latent, latent);
  add_gram(problem.codes, Transpose::kYes, covariance);
  mirror_lower(covariance);
  internal::FloatNormalEquations equations{.ridge = problem.ridge, .accepted_error = problem.accepted_error};
  multiply(problem.inverse, Transpose::kYes, covariance, Transpose::kNo, equations.right);
  multiply_lower(equations.right, problem.inverse, equations.gram);
  equations.residual = [&](const MatrixF64& probes, const MatrixF64& reads) {
    // (W'Z - W'W M) v = P' Z'Z (v - P M v)
    const MatrixF64 inverse = problem.inverse.cast<double>();
    MatrixF64 rest = probes, result = reads;
    multiply(inverse, Transpose::kNo, reads, Transpose::kNo, rest, -1.0, 1.0);
    multiply(inverse, Transpose::kYes, internal::apply_gram(problem.codes, rest), Transpose::kNo, result, 1.0,
             -problem.ridge);
    return result;
  };
  return internal::solve_in_float(std::move(equations));
}

}  // namespace

Matrix solve_write(const WriteProblem& problem) {
  const Index slots = problem.addressing.cols();
  check_border(problem.addressing.rows(), slots, problem.codes, problem.prior, problem.ridge);
  check_accepted_error(problem.accepted_error);
  check_finite(problem.addressing, "addressing weights");
  if (std::optional<Matrix> fast = try_float(problem)) return *std::move(fast);
  // W, Z, M0 as in the formula; D = M - M0 is what the solvers find.
  MatrixF64 W = problem.addressing.cast<double>();
  MatrixF64 M0;
  if (problem.prior || W.rows() == 0) M0 = MatrixF64::Zero(slots, problem.codes.cols());
  if (problem.prior) M0 = problem.prior->cast<double>();
  if (W.rows() == 0) return to_float(M0, 1.0);
  MatrixF64 Y = problem.codes.cast<double>();
  if (problem.prior) multiply(W, Transpose::kNo, M0, Transpose::kNo, Y, -1.0, 1.0);

  const bool is_square = W.rows() == slots && problem.ridge == 0.0;
  Factored found = is_square ? solve_square(std::move(W), Y) : solve_gram(W, Y, problem.ridge);
  const double condition = found.reciprocal > 0.0 ? 1.0 / found.reciprocal : std::numeric_limits<double>::infinity();
  MatrixF64 D = found.change ? *std::move(found.change)
                             : MatrixF64(solve_orthogonal(problem.addressing.cast<double>(), Y, problem.ridge));
  if (problem.prior) D += M0;
  return to_float(D, condition);
}

Matrix write_codes(const CodeProblem& problem) {
  const Index segments = problem.codes.rows(), latent = problem.codes.cols(), slots = problem.inverse.cols();
  if (problem.inverse.rows() != latent) {
    throw base::ShapeError("the inverse of the key memory has shape " + shape_text(problem.inverse.rows(), slots) +
                           " but codes that are their own keys have " + std::to_string(latent) +
                           " components; it must be " + shape_text(latent, slots));
  }
  check_border(segments, slots, problem.codes, std::nullopt, problem.ridge);
  check_accepted_error(problem.accepted_error);
  check_finite(problem.inverse, "the inverse of the key memory");
  // Flops of the two ways up to the factor, in units of the latent size.
  const double n = static_cast<double>(segments), k = static_cast<double>(slots), c = static_cast<double>(latent);
  const bool is_cheaper = n * c + 2.0 * k * c + 1.25 * k * k < 4.0 * n * k + n * k * k / c;
  if (segments > slots && is_cheaper && problem.accepted_error > 0.0) {
    if (std::optional<Matrix> fast = try_covariance(problem)) return *std::move(fast);
  }
  Matrix weights;
  multiply(problem.codes, Transpose::kNo, problem.inverse, Transpose::kNo, weights);
  return solve_write({.addressing = weights,
                      .codes = problem.codes,
                      .prior = std::nullopt,
                      .ridge = problem.ridge,
                      .accepted_error = is_cheaper ? 0.0 : problem.accepted_error});  // one attempt in float
}

OneHotWriter::OneHotWriter(Index latent) : latent_(static_cast<std::size_t>(latent)) {
  if (latent < 1)
    throw base::ShapeError("codes need at least one component, but the code size is " + std::to_string(latent));
}

void OneHotWriter::grow(std::size_t slots) {
  if (slots <= counts_.size()) return;
  counts_.resize(slots, 0);
  sums_.resize(slots * latent_, 0.0);
}

void OneHotWriter::add(std::size_t slot, std::span<const float> code) {
  LARIMAR_EXPECT(slot < counts_.size() && code.size() == latent_);
  double* sum = sums_.data() + slot * latent_;
  for (std::size_t c = 0; c < latent_; ++c) sum[c] += static_cast<double>(code[c]);
  ++counts_[slot];
}

void OneHotWriter::remove(std::size_t slot, std::span<const float> code) {
  LARIMAR_EXPECT(slot < counts_.size() && code.size() == latent_ && counts_[slot] > 0);
  double* sum = sums_.data() + slot * latent_;
  --counts_[slot];
  for (std::size_t c = 0; c < latent_; ++c) {
    // No rounding error of what has left stays behind in an empty slot.
    sum[c] = counts_[slot] == 0 ? 0.0 : sum[c] - static_cast<double>(code[c]);
  }
}

Matrix OneHotWriter::solve(const std::optional<ConstMatrixRef>& prior, double ridge) const {
  const Index latent = static_cast<Index>(latent_);
  MatrixF64 memory = MatrixF64::Zero(static_cast<Index>(slots()), latent);
  if (slots() == 0) return memory.cast<float>();
  check_border(0, memory.rows(), Matrix(0, latent), prior, ridge);
  if (prior) memory = prior->cast<double>();
  for (Index slot = 0; slot < memory.rows(); ++slot) {
    const double count = static_cast<double>(counts_[static_cast<std::size_t>(slot)]);
    if (count == 0.0) continue;
    const Eigen::Map<const Eigen::RowVectorXd> sum(sums_.data() + static_cast<std::size_t>(slot) * latent_, latent);
    memory.row(slot) = (sum + ridge * memory.row(slot)) / (count + ridge);
  }
  return to_float(memory, 1.0);
}

Matrix solve_one_hot(const OneHotProblem& problem) {
  check_border(static_cast<Index>(problem.slot_of.size()), problem.slots, problem.codes, problem.prior, problem.ridge);
  const std::size_t slots = static_cast<std::size_t>(problem.slots);
  OneHotWriter writer(problem.codes.cols());
  writer.grow(slots);
  for (std::size_t i = 0; i < problem.slot_of.size(); ++i) {
    if (problem.slot_of[i] >= slots) {
      throw base::ShapeError("segment " + std::to_string(i) + " addresses slot " + std::to_string(problem.slot_of[i]) +
                             " of a memory of " + std::to_string(slots) + " slots");
    }
    writer.add(problem.slot_of[i],
               {problem.codes.row(static_cast<Index>(i)).data(), static_cast<std::size_t>(problem.codes.cols())});
  }
  return writer.solve(problem.prior, problem.ridge);
}

}  // namespace larimar::linalg
