#pragma once
#include <array>
#include <cstddef>

namespace larimar::shard {

/// term(0) + ... + term(count - 1), in eight sums side by side: one sum alone waits four cycles for each addition.
/// Local; the order of the additions depends on `count` alone.
template <class Term>
[[nodiscard]] double lane_sum(std::size_t count, const Term& term) {
  constexpr std::size_t kLanes = 8;
  std::array<double, kLanes> lanes{};
  const std::size_t whole = count - count % kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  }
  for (std::size_t i = whole; i < count; ++i) lanes[i - whole] += term(i);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace larimar::shard
