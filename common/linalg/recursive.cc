#include "common/linalg/recursive.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/linalg/blas.h"
#include "common/linalg/factor.h"

namespace larimar::linalg {
namespace {

/// No result in double is better than this, whatever the probes happen to show.
constexpr double kErrorFloor = 0x1p-50;

Eigen::VectorXd random_direction(Index size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  return Eigen::VectorXd::NullaryExpr(size, [&] { return normal(random); });
}

/// (G + ridge I)^-1; through eigenvalues where Cholesky meets a pivot that rounding has made negative.
MatrixF64 regular_inverse(const MatrixF64& gram, double ridge) {
  MatrixF64 shifted = gram;
  shifted.diagonal().array() += ridge;
  const Cholesky<double> cholesky(std::move(shifted));
  if (cholesky.positive()) return cholesky.inverse();
  const SymmetricEigen eigen = symmetric_eigen(gram);
  const Eigen::VectorXd scale = (eigen.values.cwiseMax(0.0).array() + ridge).inverse();
  const MatrixF64 scaled = scale.asDiagonal() * eigen.vectors;
  MatrixF64 inverse;
  multiply(eigen.vectors, Transpose::kYes, scaled, Transpose::kNo, inverse);
  return inverse;
}

}  // namespace

RecursiveMemory::RecursiveMemory(GramStatistics statistics, const std::optional<ConstMatrixRef>& prior,
                                 RecursiveOptions options)
    : statistics_(std::move(statistics)), options_(options) {
  if (!(options_.ridge > 0.0) || !std::isfinite(options_.ridge))
    throw base::ConfigError("a memory with single writes and forgets needs a finite ridge > 0, not " +
                            std::to_string(options_.ridge) + "; 1e-6 is usual");
  if (!(options_.residual_limit > 0.0) || options_.check_every < 1)
    throw base::ConfigError("a recursive memory needs residual_limit > 0 and check_every >= 1");
  if (prior) prior_ = *prior;
  probe_codes_ = random_direction(statistics_.latent(), 20240311);
  probe_slots_ = random_direction(statistics_.slots(), 11901);
  solve_anew();
  solved_anew_ = 0;  // the first solve undoes no drift
}

void RecursiveMemory::solve_anew() {
  std::optional<ConstMatrixRef> prior;
  if (prior_.size() > 0) prior.emplace(prior_);
  memory_ = statistics_.solve(prior, options_.ridge).memory;
  inverse_ = regular_inverse(statistics_.gram(), options_.ridge);
  ++solved_anew_;
  measure_error();
}

void RecursiveMemory::measure_error() {
  since_check_ = 0;
  written_since_measured_ = false;
  error_ = std::max(kErrorFloor, residual());
}

double RecursiveMemory::residual() const {
  const MatrixF64& gram = statistics_.gram();
  const Eigen::VectorXd read = memory_ * probe_codes_;
  Eigen::VectorXd rest = statistics_.right_side() * probe_codes_ - gram * read - options_.ridge * read;
  if (prior_.size() > 0) rest += options_.ridge * (prior_.cast<double>() * probe_codes_);
  const double error = (inverse_ * rest).norm();
  const double size = read.norm();
  const Eigen::VectorXd column = inverse_ * probe_slots_;
  const double inverse_error = (gram * column + options_.ridge * column - probe_slots_).norm() / probe_slots_.norm();
  const double memory_error = error > 0.0 ? error / std::max(size, std::numeric_limits<double>::min()) : 0.0;
  const double worst = std::max(memory_error, inverse_error);
  return std::isfinite(worst) ? worst : std::numeric_limits<double>::infinity();
}

void RecursiveMemory::write(ConstMatrixRef addressing, ConstMatrixRef codes) {
  if (error_ > options_.residual_limit) measure_error();
  statistics_.add(addressing, codes);
  update(addressing, codes, 1.0);
}

void RecursiveMemory::forget(ConstMatrixRef addressing, ConstMatrixRef codes) {
  // Before the sums change, or P and M would be compared with other segments. The bound may have grown far above the error.
  if (written_since_measured_ || error_ > 1e-3 * options_.residual_limit) measure_error();
  statistics_.remove(addressing, codes);
  update(addressing, codes, -1.0);
}

void RecursiveMemory::update(ConstMatrixRef addressing, ConstMatrixRef codes, double sign) {
  if (addressing.rows() == 0) return;
  if (statistics_.segments() == 0 || !recur(addressing, codes, sign)) {
    solve_anew();
    return;
  }
  if (++since_check_ < options_.check_every) return;
  measure_error();
  if (error_ > options_.residual_limit) solve_anew();
}

/// One step of the recursion; false, with nothing changed, where it would lose too many digits.
bool RecursiveMemory::recur(ConstMatrixRef addressing, ConstMatrixRef codes, double sign) {
  if (error_ > options_.residual_limit) return false;
  const MatrixF64 weights = addressing.cast<double>();
  const Index rows = weights.rows();
  MatrixF64 gain, inner = MatrixF64::Identity(rows, rows), rest = codes.cast<double>();
  multiply(weights, Transpose::kNo, inverse_, Transpose::kNo, gain);           // W P
  multiply(gain, Transpose::kNo, weights, Transpose::kYes, inner, sign, 1.0);  // I + a W P W'
  double growth = 1.0;
  if (sign < 0.0) {
    const double smallest = symmetric_eigenvalues(inner).minCoeff();
    if (!(smallest > 0.0) || error_ / smallest > options_.residual_limit) return false;
    growth = 1.0 / smallest;
  }
  const Cholesky<double> cholesky(std::move(inner));
  if (!cholesky.positive()) return false;
  multiply(weights, Transpose::kNo, memory_, Transpose::kNo, rest, -1.0, 1.0);  // Z - W M
  cholesky.solve_lower_in_place(gain);
  cholesky.solve_lower_in_place(rest);
  multiply(gain, Transpose::kYes, rest, Transpose::kNo, memory_, sign, 1.0);
  add_gram(gain, Transpose::kYes, inverse_, -sign);
  mirror_lower(inverse_);
  error_ *= growth;
  // A write shrinks P but not the rounding errors that P had, so what they weigh now is not known.
  written_since_measured_ = written_since_measured_ || sign > 0.0;
  return true;
}

}  // namespace larimar::linalg
