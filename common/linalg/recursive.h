#pragma once
#include <cstdint>
#include <optional>

#include "common/linalg/gram.h"
#include "common/linalg/matrix.h"

namespace larimar::linalg {

struct RecursiveOptions {
  double ridge = 1e-6;             // > 0; with observation noise sigma^2 and prior covariance I the ridge is sigma^2
  double residual_limit = 1e-9;    // relative residual of the normal equations above which everything is solved anew
  std::uint64_t check_every = 64;  // updates between two residual tests
};

/// A memory that follows single writes and forgets without being solved anew: recursive least squares with P = (G + ridge I)^-1
///   P <- P - a P W'(I + a W P W')^-1 W P;   M <- M + a P W'(Z - W M),   a = +1 to write, -1 to forget   (2403.11901, eq. of
/// the sequential write, there for one row; here for blocks of b rows). The Kalman form is the same recursion with
/// U = sigma^2 P and sigma^2 = ridge: gain = U W'(W U W' + sigma^2 I)^-1. Keeps G and B beside it, so that drift is
/// seen (a random projection of the normal equations' residual) and undone (solved anew from G and B), also at once
/// where a forget is too ill-conditioned for the recursion.
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
  /// |((G + ridge I) M - B - ridge M0) v| / (|B v| + ...) for one fixed random v: the relative error of the normal equations.
  [[nodiscard]] double residual() const;
  [[nodiscard]] std::uint64_t solved_anew() const { return solved_anew_; }
  void solve_anew();

 private:
  void update(ConstMatrixRef addressing, ConstMatrixRef codes, double sign);

  GramStatistics statistics_;
  MatrixF64 prior_;  // [slots, latent]
  RecursiveOptions options_;
  MatrixF64 inverse_;
  MatrixF64 memory_;
  std::uint64_t updates_ = 0;
  std::uint64_t solved_anew_ = 0;
};

}  // namespace larimar::linalg
