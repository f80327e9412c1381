#pragma once
#include "bench/parts/measured.h"

namespace larimar::bench {

/// Part "write": the dense write of the paper beside sgemm, keys into the stores of a scan beside reading them, and codes into a memory
/// folder beside writing so many bytes to one file. Calls collective. Throws NumericalError if a write is not the least-squares one.
[[nodiscard]] std::vector<Measured> write_part(comm::Transport& transport, const BenchOptions& options);

}  // namespace larimar::bench
