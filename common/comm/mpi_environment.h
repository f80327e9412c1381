#pragma once
#include <memory>
#include <string>

#include "common/comm/peers.h"
#include "common/comm/transport.h"

namespace larimar::comm {

/// True if mpirun, or srun with an MPI plugin, started this process. Reads the environment only, so it may be asked before MPI_Init.
[[nodiscard]] bool launched_by_mpi();

/// How many ranks the launcher says it started; 1 where nobody says so. mpirun's word goes before Slurm's, and a step's before
/// its allocation's, so that `mpirun -n 1` within a larger allocation is one rank.
[[nodiscard]] int announced_ranks();

/// What disagrees between the size of the world and the launcher's word: some ranks did not join. Empty if nothing does; a
/// larger world than Slurm tells of one part of a job is fine. Environment only.
[[nodiscard]] std::string missing_ranks(int world_size);

/// Refuses a world that is smaller than what was started: N copies that each believe to be the whole job would do the work
/// N times over and write the same files. Throws ConfigError saying how to start instead.
void refuse_singletons(int world_size);

/// How a rank's part of the job ended.
struct Ending {
  bool done = false;   // with an exit code that every rank knows
  bool fatal = false;  // by an error of its own, with this code; neither: a rank was lost
  base::ExitCode code = base::ExitCode::kOk;
};

/// The process's membership in the MPI job; make one, in main, before any Transport, and let it outlive them.
/// Started without mpirun it is a job of 1 rank and MPI is never touched. Owns a duplicate of the world communicator.
/// Only the thread that made it may use its transports. Leaving its scope by an exception skips MPI_Finalize.
class Environment {
 public:
  /// Calls: collective on all ranks. Throws CommError if MPI cannot start as needed; ConfigError, see refuse_singletons.
  Environment();
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  /// A transport over all ranks with a communicator of its own, or the single one. Calls: collective on all ranks.
  /// Throws CommError.
  [[nodiscard]] std::unique_ptr<Transport> make_transport() const;

  /// Whether the job can go on without a rank: the MPI library has ULFM and was started with it.
  [[nodiscard]] bool can_lose_ranks() const;
  /// "ulfm", or "none (WHY)". Local.
  [[nodiscard]] std::string fault_tolerance() const;
  /// Whether a rank is known to be dead. Local.
  [[nodiscard]] bool has_lost_ranks() const;

  /// What the living ranks make of everybody's ending: fatal if one of them is, else done if all are; the same on all of them,
  /// whoever dies meanwhile. A rank that does not come within `seconds` ends the job.
  /// Calls   collective among living ranks; only where can_lose_ranks().
  [[nodiscard]] Ending agree(const Ending& mine, double seconds) const;
  /// A transport over the living ranks. Destroy the one before first. Calls: collective among living ranks. Throws CommError.
  [[nodiscard]] std::unique_ptr<Transport> make_survivors_transport() const;
  /// Processes of all ranks as the job started, by rank; empty without MPI. Local, after make_transport().
  [[nodiscard]] const std::vector<Peer>& peers() const;

 private:
  struct Mpi;
  std::unique_ptr<Mpi> mpi_;  // null in a job without MPI
};

}  // namespace larimar::comm
