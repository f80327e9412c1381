#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// How a minimiser was found; for reports and tests.
enum class WriteMethod { kEmpty, kCholesky, kOrthogonal, kEigen, kBenCohen };

struct WriteSolution {
  MatrixF64 memory{};  // M [slots, latent]
  WriteMethod method = WriteMethod::kEmpty;
  double condition = 1.0;  // estimate for the Gram matrix; infinity if it has no full rank
};

/// All that a least-squares write has to know of its segments:  G = sum w'w [slots, slots],  B = sum w'z [slots, latent].
/// Additive, so shards sum theirs (2407.01437's memory, distributed: docs/numerics.md), and a segment leaves as it came.
/// Owns the sums, in double. One thread at a time.
class GramStatistics {
 public:
  /// slots, latent >= 1 (ShapeError).
  GramStatistics(Index slots, Index latent);

  /// Shapes  addressing W [n, slots], codes Z [n, latent]. Throws ShapeError; NumericalError naming the row of NaN or
  ///         infinity. Nothing is changed then. Cost n slots (slots + 2 latent) flops.
  void add(ConstMatrixRef addressing, ConstMatrixRef codes);
  /// Takes rows out again; bit for bit what the caller passed to add, or the result is the memory of other segments.
  /// Throws as add; ConfigError if more rows leave than are there.
  void remove(ConstMatrixRef addressing, ConstMatrixRef codes);
  /// Adds the sums of another shard. Throws ShapeError if the shapes differ.
  void merge(const GramStatistics& other);

  /// argmin |W M - Z|^2 + ridge |M - M0|^2, of all minimisers the one nearest to M0 (zero if absent).
  /// Cholesky of G + ridge I in double where its condition allows, otherwise an eigendecomposition of G.
  /// Throws  ShapeError, ConfigError (ridge < 0 or not finite), NumericalError as linalg::solve_write.
  [[nodiscard]] WriteSolution solve(const std::optional<ConstMatrixRef>& prior, double ridge) const;

  [[nodiscard]] Index slots() const { return gram_.rows(); }
  [[nodiscard]] Index latent() const { return right_.cols(); }
  [[nodiscard]] std::uint64_t segments() const { return segments_; }
  [[nodiscard]] const MatrixF64& gram() const { return gram_; }         // G, symmetric, both halves filled
  [[nodiscard]] const MatrixF64& right_side() const { return right_; }  // B

  /// The sums as one row of doubles, for sending: slots^2 + slots*latent + 1 of them.
  [[nodiscard]] std::vector<double> pack() const;
  /// Throws ShapeError for another length, NumericalError for sums that are not finite.
  void merge_packed(std::span<const double> packed);

 private:
  MatrixF64 gram_;
  MatrixF64 right_;
  std::uint64_t segments_ = 0;
};

}  // namespace larimar::linalg
