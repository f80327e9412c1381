#include "common/linalg/gram.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/linalg/blas.h"
#include "common/linalg/factor.h"
#include "common/linalg/finite.h"

namespace larimar::linalg {
namespace {

/// Rows that are held in double at once.
constexpr Index kBlock = 1024;
/// Cholesky is taken while its condition estimate, usually right within a factor of 3, is this far above the cut.
constexpr double kCholeskyMargin = 16.0;

void check_prior(const GramStatistics& statistics, const std::optional<ConstMatrixRef>& prior, double ridge) {
  if (prior && (prior->rows() != statistics.slots() || prior->cols() != statistics.latent())) {
    throw base::ShapeError("the prior memory has shape [" + std::to_string(prior->rows()) + ", " +
                           std::to_string(prior->cols()) + "] but the sums are of a memory [" +
                           std::to_string(statistics.slots()) + ", " + std::to_string(statistics.latent()) + "]");
  }
  if (!(ridge >= 0.0) || !std::isfinite(ridge)) {
    throw base::ConfigError("ridge is " + std::to_string(ridge) +
                            " but must be a finite number >= 0; 0 means plain least squares");
  }
  if (prior) check_finite(*prior, "the prior memory");
}

void require_float_range(const WriteSolution& solution) {
  const double largest = solution.memory.cwiseAbs().maxCoeff();
  if (solution.memory.allFinite() && largest <= static_cast<double>(std::numeric_limits<float>::max())) return;
  std::ostringstream text;
  text << "the least-squares memory does not fit into floats (condition estimate " << solution.condition
       << "); use a larger ridge or scale the codes down";
  throw base::NumericalError(text.str());
}

/// change <- (G + ridge I)^+ change without the eigenvalues that are noise. Returns the condition of what was kept.
double apply_cut_inverse(const MatrixF64& gram, double ridge, double cut_factor, MatrixF64& change) {
  const SymmetricEigen eigen = symmetric_eigen(gram);
  const double largest = std::max(0.0, eigen.values.maxCoeff());
  const double cut = kGramCut * cut_factor * largest;
  MatrixF64 parts;
  multiply(eigen.vectors, Transpose::kNo, change, Transpose::kNo, parts);
  bool dropped = false;
  double smallest = std::numeric_limits<double>::infinity();
  for (Index i = 0; i < parts.rows(); ++i) {
    const double value = std::max(0.0, eigen.values(i)) + ridge;
    const bool keep = value > cut;
    parts.row(i) *= keep ? 1.0 / value : 0.0;
    dropped = dropped || !keep;
    if (keep) smallest = std::min(smallest, value);
  }
  multiply(eigen.vectors, Transpose::kYes, parts, Transpose::kNo, change);
  return dropped ? std::numeric_limits<double>::infinity() : (largest + ridge) / smallest;
}

}  // namespace

GramStatistics::GramStatistics(Index slots, Index latent) {
  if (slots < 1) throw base::ShapeError("a memory needs at least one slot (K >= 1), but K is " + std::to_string(slots));
  if (latent < 1)
    throw base::ShapeError("codes need at least one component, but the code size is " + std::to_string(latent));
  gram_ = MatrixF64::Zero(slots, slots);
  right_ = MatrixF64::Zero(slots, latent);
}

void GramStatistics::accumulate(ConstMatrixRef addressing, ConstMatrixRef codes, double sign) {
  if (addressing.cols() != slots() || codes.cols() != latent() || addressing.rows() != codes.rows()) {
    throw base::ShapeError("addressing weights [" + std::to_string(addressing.rows()) + ", " +
                           std::to_string(addressing.cols()) + "] and codes [" + std::to_string(codes.rows()) + ", " +
                           std::to_string(codes.cols()) + "] do not belong to a memory [" + std::to_string(slots()) +
                           ", " + std::to_string(latent()) + "]; all shards and files must agree on K and C");
  }
  check_finite(addressing, "addressing weights");
  check_finite(codes, "codes");
  const std::uint64_t count = static_cast<std::uint64_t>(addressing.rows());
  if (sign < 0.0 && count > segments_) {
    throw base::ConfigError(std::to_string(count) + " segments cannot leave a memory of " + std::to_string(segments_) +
                            "; forget only what is written, once");
  }
  for (Index first = 0; first < addressing.rows(); first += kBlock) {
    const Index rows = std::min(kBlock, addressing.rows() - first);
    const MatrixF64 weights = addressing.middleRows(first, rows).cast<double>();
    const MatrixF64 values = codes.middleRows(first, rows).cast<double>();
    add_gram(weights, Transpose::kYes, gram_, sign);
    multiply(weights, Transpose::kYes, values, Transpose::kNo, right_, sign, 1.0);
    if (sign > 0.0) trace_written_ += weights.squaredNorm();
  }
  mirror_lower(gram_);
  segments_ = sign > 0.0 ? segments_ + count : segments_ - count;
  if (segments_ > 0) return;
  gram_.setZero();  // what is left of nobody is rounding
  right_.setZero();
  trace_written_ = 0.0;
}

void GramStatistics::add(ConstMatrixRef addressing, ConstMatrixRef codes) { accumulate(addressing, codes, 1.0); }

void GramStatistics::remove(ConstMatrixRef addressing, ConstMatrixRef codes) { accumulate(addressing, codes, -1.0); }

void GramStatistics::merge(const GramStatistics& other) {
  if (other.slots() != slots() || other.latent() != latent()) {
    throw base::ShapeError("sums of a memory [" + std::to_string(other.slots()) + ", " +
                           std::to_string(other.latent()) + "] cannot be added to those of [" +
                           std::to_string(slots()) + ", " + std::to_string(latent()) +
                           "]; all shards must agree on K and C");
  }
  gram_ += other.gram_;
  right_ += other.right_;
  trace_written_ += other.trace_written_;
  segments_ += other.segments_;
}

double GramStatistics::cancelled() const {
  const double trace = gram_.trace();
  return trace > 0.0 ? std::max(1.0, trace_written_ / trace) : 1.0;
}

WriteSolution GramStatistics::solve(const std::optional<ConstMatrixRef>& prior, double ridge) const {
  check_prior(*this, prior, ridge);
  WriteSolution solution;
  solution.memory = MatrixF64::Zero(slots(), latent());
  if (prior) solution.memory = prior->cast<double>();
  if (segments_ == 0) return solution;
  MatrixF64 change = right_;  // (G + ridge I) (M - M0) = B - G M0
  if (prior) multiply(gram_, Transpose::kNo, solution.memory, Transpose::kNo, change, -1.0, 1.0);

  MatrixF64 shifted = gram_;
  shifted.diagonal().array() += ridge;
  const Cholesky<double> cholesky(std::move(shifted));
  const double reciprocal = cholesky.reciprocal_condition();
  if (reciprocal >= kCholeskyMargin * kGramCut * cancelled()) {
    solution.method = WriteMethod::kCholesky;
    solution.condition = 1.0 / reciprocal;
    cholesky.solve_in_place(change);
  } else {
    solution.method = WriteMethod::kEigen;
    solution.condition = apply_cut_inverse(gram_, ridge, cancelled(), change);
  }
  solution.memory += change;
  require_float_range(solution);
  return solution;
}

std::vector<double> GramStatistics::pack() const {
  std::vector<double> packed;
  packed.reserve(static_cast<std::size_t>(gram_.size() + right_.size() + 2));
  packed.insert(packed.end(), gram_.data(), gram_.data() + gram_.size());
  packed.insert(packed.end(), right_.data(), right_.data() + right_.size());
  packed.push_back(trace_written_);
  packed.push_back(static_cast<double>(segments_));
  return packed;
}

void GramStatistics::merge_packed(std::span<const double> packed) {
  const std::size_t expected = static_cast<std::size_t>(gram_.size() + right_.size() + 2);
  if (packed.size() != expected) {
    throw base::ShapeError("a shard sent " + std::to_string(packed.size()) + " sums but a memory [" +
                           std::to_string(slots()) + ", " + std::to_string(latent()) + "] has " +
                           std::to_string(expected) + "; all shards must agree on K and C");
  }
  const Eigen::Map<const Eigen::RowVectorXd> values(packed.data(), static_cast<Index>(packed.size()));
  const double count = packed[expected - 1];
  if (!values.allFinite() || count < 0.0 || count > 0x1p53 || packed[expected - 2] < 0.0)
    throw base::NumericalError("a shard sent sums that are not finite or a negative count; look for its own error");
  gram_ += Eigen::Map<const MatrixF64>(packed.data(), slots(), slots());
  right_ += Eigen::Map<const MatrixF64>(packed.data() + gram_.size(), slots(), latent());
  trace_written_ += packed[expected - 2];
  segments_ += static_cast<std::uint64_t>(count);
}

}  // namespace larimar::linalg
