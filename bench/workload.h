#pragma once
// The sizes of 2403.11901 and random data of its kind, for all benchmarks of the memory.
#include <cmath>
#include <cstdint>
#include <random>

#include "common/linalg/matrix.h"

namespace larimar::bench {

struct Sizes {
  linalg::Index slots = 512;   // K
  linalg::Index latent = 768;  // C
};

/// Small enough for a test that only asks whether a benchmark runs.
inline constexpr Sizes kQuickSizes{.slots = 48, .latent = 64};

/// Normal numbers, rows of norm about `norm`. At norm 10 and 2048 rows the largest singular value stays below the 63.2 at which the
/// fixed-step iteration diverges.
inline linalg::Matrix random_rows(linalg::Index rows, linalg::Index columns, double norm, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal(0.0F, static_cast<float>(norm / std::sqrt(static_cast<double>(columns))));
  return linalg::Matrix::NullaryExpr(rows, columns, [&] { return normal(random); });
}

}  // namespace larimar::bench
