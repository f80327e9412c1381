#pragma once
// The write of the memory: least squares over addressing weights. Derivations and bounds in docs/numerics.md.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/linalg/matrix.h"

namespace larimar::linalg {

struct WriteProblem {
  ConstMatrixRef addressing;            // W  [segments, slots]
  ConstMatrixRef codes;                 // Z  [segments, latent]
  std::optional<ConstMatrixRef> prior;  // M0 [slots, latent]; absent means zero
  double ridge = 0.0;                   // >= 0, dimensionless
  double accepted_error = 0.0;          // relative error of M that the caller takes for speed; 0: a float's rounding
};

/// Best memory for the segments, by ridge least squares.
///   minimise over M:  |W M - Z|^2 + ridge * |M - M0|^2     (Frobenius norms)
/// As many segments as slots: LU of W. Fewer: Cholesky of W W'. More: Cholesky of W'W. All in double where the condition
/// allows a float's accuracy, otherwise a complete orthogonal decomposition, which among all minimisers returns the one nearest to
/// M0. With accepted_error > 0, no prior and more segments than slots the Gram matrix is tried in float first and the result
/// taken only if probes in double say that it is that good.
/// Shapes  as at the members; returns M [slots, latent].
/// Empty   segments == 0 returns M0, or zero.
/// Calls   local: no communication. Thread-safe. Result owned by the caller.
/// Throws  ShapeError if shapes disagree or there is no slot; ConfigError if ridge or accepted_error is < 0 or not finite; NumericalError for
///         NaN or infinity in the input (row named) or, with the condition estimate, in the result.
/// Cost    O(segments slots (slots + latent) + slots^3) flops; scratch: W and Z in double and slots x slots doubles.
[[nodiscard]] Matrix solve_write(const WriteProblem& problem);

/// What is promised for a write against float64. Found errors are usually a third of it or less.
inline constexpr double kAcceptedError = 1e-5;

struct CodeProblem {
  ConstMatrixRef codes;    // Z     [segments, latent], their own keys
  ConstMatrixRef inverse;  // M0^+  [latent, slots], computed once for many writes
  double ridge = 0.0;      // >= 0
  double accepted_error = kAcceptedError;
};

/// Dense write of codes that are their own keys (2403.11901's direct write): solve_write with W = Z M0^+ and no prior.
/// Many segments go through Z'Z instead, because W'W = P'(Z'Z)P and W'Z = P'(Z'Z) with P = M0^+ need no W; in float, taken only if
/// probes in double accept it. Otherwise W is formed in float.
/// Shapes  as at the members; returns M [slots, latent]. Throws as solve_write. Thread-safe.
/// Cost    min(2 N K C, N C^2 + 2 K C^2) + O(N K^2, K^3, K^2 C) flops.
[[nodiscard]] Matrix write_codes(const CodeProblem& problem);

/// The same minimum for weights that are one-hot, gathered segment by segment: row k of the Gram matrix is then its count, and
///   M_k = (sum of the slot's codes + ridge * m0_k) / (count_k + ridge).
/// Sums are double, in the order of the calls. Owns the sums; one thread at a time.
class OneHotWriter {
 public:
  /// latent > 0 (ShapeError).
  explicit OneHotWriter(Index latent);

  /// Makes sure slots 0 ... slots - 1 exist; new ones are empty.
  void grow(std::size_t slots);
  /// slot < slots(), code of `latent` finite floats: both are preconditions, the border has checked them.
  void add(std::size_t slot, std::span<const float> code);

  [[nodiscard]] std::size_t slots() const { return counts_.size(); }
  [[nodiscard]] std::uint64_t count(std::size_t slot) const { return counts_[slot]; }

  /// Takes out what add() took. Precondition: slot < slots() and count(slot) > 0. An emptied slot is exactly empty again.
  void remove(std::size_t slot, std::span<const float> code);

  /// M [slots(), latent]. A slot without segments keeps its row of the prior, or zero. Throws as solve_write. May be called again.
  [[nodiscard]] Matrix solve(const std::optional<ConstMatrixRef>& prior, double ridge) const;

 private:
  std::size_t latent_;
  std::vector<double> sums_;           // [slots, latent]
  std::vector<std::uint64_t> counts_;  // [slots]
};

struct OneHotProblem {
  std::span<const std::uint32_t> slot_of{};  // [segments], each < slots
  Index slots = 0;                           // K >= 1
  ConstMatrixRef codes;                      // Z  [segments, latent]
  std::optional<ConstMatrixRef> prior;       // M0 [slots, latent]; absent means zero
  double ridge = 0.0;                        // >= 0
};

/// solve_write for one-hot weights given as one slot per segment; checks what OneHotWriter takes for granted.
/// Throws as solve_write; also ShapeError for a slot out of range. Cost O(segments latent + slots latent).
[[nodiscard]] Matrix solve_one_hot(const OneHotProblem& problem);

}  // namespace larimar::linalg
