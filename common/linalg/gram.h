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

/// Eigenvalues of a Gram matrix below this share of the largest are noise and count as zero: sums of K products in double err by
/// about K 2^-53 of it, and weights that are floats make a zero eigenvalue (2^-24)^2 K; both are below for K up to 8192.
/// In singular values of W the cut is 2^-20.
inline constexpr double kGramCut = 0x1p-40;

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
  /// Cholesky of G + ridge I in double where no eigenvalue can be near the noise of the sums, otherwise an eigendecomposition
  /// of G without the eigenvalues that are: those with lambda + ridge <= kGramCut * largest lambda * cancelled().
  /// Throws  ShapeError, ConfigError (ridge < 0 or not finite), NumericalError as linalg::solve_write.
  [[nodiscard]] WriteSolution solve(const std::optional<ConstMatrixRef>& prior, double ridge) const;

  [[nodiscard]] Index slots() const { return gram_.rows(); }
  [[nodiscard]] Index latent() const { return right_.cols(); }
  [[nodiscard]] std::uint64_t segments() const { return segments_; }
  [[nodiscard]] const MatrixF64& gram() const { return gram_; }         // G, symmetric, both halves filled
  [[nodiscard]] const MatrixF64& right_side() const { return right_; }  // B

  /// How much larger the squares of all weights that ever came are than those that stayed; >= 1. What left took its rounding
  /// errors not with it, so they count against what stayed.
  [[nodiscard]] double cancelled() const;

  /// The sums as one row of doubles, for sending: slots^2 + slots*latent + 2 of them.
  [[nodiscard]] std::vector<double> pack() const;
  [[nodiscard]] static std::size_t packed_size(Index slots, Index latent) {
    return static_cast<std::size_t>(slots * (slots + latent)) + 2;
  }
  /// Throws ShapeError for another length, NumericalError for sums that are not finite.
  void merge_packed(std::span<const double> packed);

 private:
  void accumulate(ConstMatrixRef addressing, ConstMatrixRef codes, double sign);

  MatrixF64 gram_;
  MatrixF64 right_;
  double trace_written_ = 0.0;  // sum of squares of all weights ever added
  std::uint64_t segments_ = 0;
};

}  // namespace larimar::linalg
