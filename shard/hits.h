#pragma once
// Which scores of a batch may count, one version for each instruction set, chosen at run time (Highway).
#include <cstddef>
#include <cstdint>
#include <span>

namespace larimar::shard {

/// A row and a query whose score may reach the query's threshold.
struct Hit {
  std::uint32_t row = 0, query = 0;
};
/// All r, q with scores[r, q] + bounds[r] * norms[q] >= thresholds[q], rows rising. Returns how many.
/// Shapes  scores [bounds.size(), norms.size()], thresholds as norms, found as long as scores; norms.size() as
///         PackedVectors::padded().
[[nodiscard]] std::size_t find_hits(std::span<const float> scores, std::span<const float> bounds,
                                    std::span<const float> norms, std::span<const float> thresholds,
                                    std::span<Hit> found);

}  // namespace larimar::shard
