#pragma once
#include <string>
#include <vector>

#include "common/comm/same.h"
#include "launch/setup.h"

namespace larimar::launch {

/// Numbers are written and read with a point, whatever LC_ALL says and whatever a library did before main. Once, at the start.
void set_numeric_locale();

/// What all ranks must have in common before any work: world size as the launcher said, command, build, LibTorch, numeric
/// locale. Warns on rank 0 where OMP_NUM_THREADS differs. `command`: "ask".
/// Calls: collective; at most start_patience() long. Throws AgreedError(kConfig) with a sentence for each difference.
void check_start(comm::Transport& transport, const std::string& command);

/// What check_start compares, as this rank has it: a difference refuses the job, or only warns. Local.
[[nodiscard]] std::vector<comm::Fact> start_facts(const std::string& command);
[[nodiscard]] std::vector<comm::Fact> thread_facts();

/// The same for the networks and settings of a job: each rank has found them by itself. Reads all weights once. Warns on
/// rank 0 where the threads of a host's ranks are more than its cores, or ranks too few for the decoders. `setup` is resolved.
/// Calls: collective. Throws AgreedError(kConfig) with a sentence for each difference.
void check_setup(comm::Transport& transport, const JobSetup& setup);

/// Throws ConfigError where so many decoders leave no rank that stores. Local.
void check_decoders(int ranks, int decoders);

/// The settings of a job that must be the same on all ranks: all but folders, which may lie elsewhere on each host.
[[nodiscard]] std::vector<comm::Fact> facts_of(const JobSetup& setup);

/// One rank's share of its host.
struct Seat {
  std::uint64_t host = 0;       // hash of its name
  std::uint32_t cores = 0;      // of the host
  std::uint32_t allowed = 0;    // that this rank may run on
  std::uint32_t threads = 0;    // that it will use
  std::uint32_t is_polite = 0;  // 1: yields its core while it waits
};
[[nodiscard]] Seat seat_of_this_rank(const std::string& host, int threads);

/// What makes ranks slow each other down: one sentence for each host (the first ones), naming its first rank. Local.
[[nodiscard]] std::vector<std::string> crowded_hosts(const std::vector<Seat>& seats);

}  // namespace larimar::launch
