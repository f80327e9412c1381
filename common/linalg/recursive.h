#pragma once
#include <cstdint>
#include <optional>

#include "common/linalg/gram.h"
#include "common/linalg/matrix.h"

namespace larimar::linalg {

struct RecursiveOptions {
  double ridge = 1e-6;             // > 0; with observation noise sigma^2 and prior covariance I the ridge is sigma^2
  double residual_limit = 1e-7;    // relative error, as residual() estimates it, above which everything is solved anew
  std::uint64_t check_every = 64;  // updates between two residual tests; >= 1
};

/// A memory that follows single writes and forgets without being solved anew: recursive least squares with P = (G + ridge I)^-1
///   P <- P - a P W'(I + a W P W')^-1 W P;   M <- M + a P W'(I + a W P W')^-1 (Z - W M),   a = +1 to write, -1 to forget
/// (2403.11901's sequential write, there for one row; here for blocks of b). The Kalman form is the same recursion with
/// U = sigma^2 P and sigma^2 = ridge: gain = U W'(W U W' + sigma^2 I)^-1. G and B are kept beside it, so that drift is seen
/// (residual()) and undone: everything is solved anew from G and B where the estimate of the error passes residual_limit. A forget
/// multiplies errors by up to 1 / (smallest eigenvalue of I - W P W'); one that would pass the limit is solved anew at once.
/// Owns everything; one thread at a time.
class RecursiveMemory {
 public:
  /// Starts from what is written already. Shapes prior [slots, latent] or absent. Throws as GramStatistics::solve;
  /// ConfigError for ridge <= 0.
  RecursiveMemory(GramStatistics statistics, const std::optional<ConstMatrixRef>& prior, RecursiveOptions options);

  /// Shapes  addressing [b, slots], codes [b, latent]. Throws as GramStatistics::add / remove; nothing is changed then.
  /// Cost    O(b slots^2 + b slots latent + b^2 slots + b^3).
  void write(ConstMatrixRef addressing, ConstMatrixRef codes);
  void forget(ConstMatrixRef addressing, ConstMatrixRef codes);

  [[nodiscard]] const MatrixF64& memory() const { return memory_; }       // M [slots, latent]
  [[nodiscard]] const MatrixF64& covariance() const { return inverse_; }  // P [slots, slots]
  [[nodiscard]] const GramStatistics& statistics() const { return statistics_; }
  /// Estimate of the relative error of M and P: the larger of |P R v| / |M v| with R = B + ridge M0 - (G + ridge I) M, and
  /// |(G + ridge I) P u - u| / |u|, for one fixed random v and u. Cost O(slots^2 + slots latent).
  [[nodiscard]] double residual() const;
  [[nodiscard]] std::uint64_t solved_anew() const { return solved_anew_; }
  /// From G and B, as GramStatistics::solve. Cost O(slots^3 + slots^2 latent).
  void solve_anew();

 private:
  void update(ConstMatrixRef addressing, ConstMatrixRef codes, double sign);
  [[nodiscard]] bool recur(ConstMatrixRef addressing, ConstMatrixRef codes, double sign);
  void measure_error();

  GramStatistics statistics_;
  Matrix prior_;  // [slots, latent]
  RecursiveOptions options_;
  Eigen::VectorXd probe_codes_;  // v [latent]
  Eigen::VectorXd probe_slots_;  // u [slots]
  MatrixF64 inverse_;
  MatrixF64 memory_;
  double error_ = 0.0;  // bound on the relative error that the next update starts from
  bool written_since_measured_ = false;
  std::uint64_t since_check_ = 0;
  std::uint64_t solved_anew_ = 0;
};

}  // namespace larimar::linalg
