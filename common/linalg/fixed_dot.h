#pragma once
// Dot products in float whose bits depend on the two vectors only.
//
// Order of the sum, on every instruction set and for every shape:
//   lane[j] = x[j] y[j] + x[j+16] y[j+16] + x[j+32] y[j+32] + ...   from left to right, j = 0 ... 15, each product rounded
//             before it is added (no fused multiply-add); vectors are as if filled with zeros to a multiple of 16;
//   result  = the lanes folded in halves: lane[j] += lane[j+8] (j < 8), then +4, then +2, then +1.
// Sixteen lanes are one AVX-512 register, two of AVX2 or four of SSE2, so each target computes them side by side.
// A BLAS is not used here: its order of summation changes with the number of rows, queries and threads, and then the
// same segment would score differently on 3 ranks than on 1. docs/numerics.md has the error bound.
#include <cstddef>
#include <span>

namespace larimar::linalg {

inline constexpr std::size_t kDotLanes = 16;

/// The instruction set that a kernel is compiled for.
enum class Simd { kBaseline, kAvx2, kAvx512 };

/// What this processor can run, kBaseline first. Asked once, at the first call. Thread-safe.
[[nodiscard]] std::span<const Simd> available_simd();

struct DotBlock {
  std::span<const float> rows;     // [rows, width], one after another
  std::span<const float> queries;  // [queries, width], one after another
  std::size_t width = 0;           // > 0
  std::span<float> scores;         // [queries, rows], written
};

/// scores(q, r) = <queries(q), rows(r)> in the order above.
/// Calls   local. Thread-safe. Same bits for every choice of `simd` and every split of rows and queries into blocks.
/// Cost    2 rows queries width flops; for one query bound by memory. Blocks of about 100 KiB of rows stay in cache
///         while all queries pass over them.
void dot_scores(const DotBlock& block, Simd simd = available_simd().back());

}  // namespace larimar::linalg
