#pragma once

namespace larimar::launch {

/// Threads of a rank where --threads does not say: SLURM_CPUS_PER_TASK, which Slurm sets for --cpus-per-task, or 1.
[[nodiscard]] int usual_threads();

}  // namespace larimar::launch
