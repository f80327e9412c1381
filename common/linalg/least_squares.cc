#include "common/linalg/least_squares.h"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <cmath>
#include <limits>
#include <sstream>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/linalg/finite.h"

namespace larimar::linalg {
namespace {

using Columns = Eigen::MatrixXd;  // column-major inside a solve: Eigen's factorisations are faster on it

/// Cholesky loses cond(G) * 2^-53 relatively. Down to this reciprocal condition that stays 32 times below a float's 2^-24.
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

Matrix to_float(const Columns& solution, double condition) {
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

}  // namespace

Matrix solve_write(const WriteProblem& problem) {
  const Index slots = problem.addressing.cols();
  check_border(problem.addressing.rows(), slots, problem.codes, problem.prior, problem.ridge);
  check_finite(problem.addressing, "addressing weights");
  // W, Z, M0 as in the formula; D = M - M0 is what the solver finds.
  const Columns W = problem.addressing.cast<double>();
  const Columns Z = problem.codes.cast<double>();
  Columns M0 = Columns::Zero(slots, Z.cols());
  if (problem.prior) M0 = problem.prior->cast<double>();
  if (W.rows() == 0) return to_float(M0, 1.0);
  const Columns Y = Z - W * M0;

  Columns gram = Columns::Identity(slots, slots) * problem.ridge;
  gram.selfadjointView<Eigen::Lower>().rankUpdate(W.adjoint());
  const Eigen::LLT<Columns> cholesky(gram);
  const bool positive = cholesky.info() == Eigen::Success;
  const double reciprocal = positive ? cholesky.rcond() : 0.0;
  Columns D;
  if (reciprocal >= kMinReciprocalCondition) {
    D = cholesky.solve(W.adjoint() * Y);
  } else {
    D = solve_orthogonal(W, Y, problem.ridge);
  }
  return to_float(M0 + D, reciprocal > 0.0 ? 1.0 / reciprocal : std::numeric_limits<double>::infinity());
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
  Columns memory = Columns::Zero(static_cast<Index>(slots()), latent);
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
