#pragma once
#include <vector>

#include "bench/parts/measured.h"

namespace larimar::bench {

/// Part "scaling": ingest of codes and reads on all ranks of the job, of a memory of always the same size (strong) and of one that grows
/// with the ranks that store (weak). Messages and bytes are counted and compared with the cost model, processor time and memory
/// with the plan (coordinator/capacity_plan.h). Start it with several numbers of ranks: bench/scaling.py.
/// Calls collective. Throws AgreedError, and NumericalError if a read does not find what is stored.
[[nodiscard]] std::vector<Measured> scaling_part(comm::Transport& transport, const BenchOptions& options);

}  // namespace larimar::bench
