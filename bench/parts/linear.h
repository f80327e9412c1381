#pragma once
#include "bench/parts/measured.h"

namespace larimar::bench {

/// Part "linear": a layer whose weights were laid out once beside the fastest of OpenBLAS's and Eigen's products. All
/// weights of a pass together are larger than the caches, as those of a network are. Local to each rank.
[[nodiscard]] std::vector<Measured> linear_part(comm::Transport& transport, const BenchOptions& options);

}  // namespace larimar::bench
