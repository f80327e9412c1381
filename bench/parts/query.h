#pragma once
// The memory's part of a query: from a read key on rank 0 to z_read there, beside reading the keys' bytes once.
#include "bench/parts/measured.h"

namespace larimar::bench {

/// Part "query": memories of 100,000, 1,000,000 and 10,000,000 tokens' worth (or --rows), and one so small that a read of it is nothing but
/// coordination. Calls collective. Throws as ScalingMemory.
[[nodiscard]] std::vector<Measured> query_part(comm::Transport& transport, const BenchOptions& options);

}  // namespace larimar::bench
