#pragma once
#include <string>

namespace larimar::launch {

/// Threads of a rank where --threads does not say: SLURM_CPUS_PER_TASK, which Slurm sets for --cpus-per-task, or 1.
[[nodiscard]] int usual_threads();

/// What a rank may run on, and who else is there.
struct Cores {
  int mine = 1;           // this process may use, as it is bound
  int of_host = 1;        // of the whole machine
  int ranks_on_host = 1;  // as the launcher says; 1 where it does not
};
[[nodiscard]] Cores find_cores();

/// One sentence with a remedy if so many threads would have to take turns on the cores; empty for one thread, since more ranks than
/// cores are refused by mpirun itself unless they were asked for. Calls: local.
[[nodiscard]] std::string oversubscription(int threads, const Cores& cores);

/// Sets the threads of this rank's networks. The first rank of each host warns of oversubscription.
/// Calls: local. Throws ConfigError unless threads >= 1.
void use_threads(int threads);

}  // namespace larimar::launch
