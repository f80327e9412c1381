#pragma once
// A command over all ranks of a job, and over those that are left when some die.
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "common/comm/transport.h"
#include "launch/session.h"
#include "launch/setup.h"

namespace larimar::launch {

/// What is run. `work` is collective and may be called again after a death, see Session.
struct RankCommand {
  std::function<int(comm::Transport&, Session&)> work;
  const JobSetup& setup;
  bool may_start_again = true;     // false: after a death the job ends
  bool may_answer_partly = false;  // --on-loss degrade has a meaning; otherwise it recovers
  bool goes_on = false;            // started anew, it goes on where it was
  bool checks_start = true;        // that all ranks are of one kind, see start_check.h
  std::vector<std::string> command_line{};
};

/// Starts MPI, runs the command and ends all ranks alike: with the exit code that it returned, or that of an error that all
/// ranks know; an error of one rank alone takes the job down. Where the MPI library has ULFM and was started with it, the death of
/// ranks is survived as setup.on_loss says. Returns this rank's exit code, or ends the process where ranks have died.
[[nodiscard]] int run_on_ranks(const RankCommand& command);

/// Whether this rank speaks for all of them. Before MPI is up only the environment tells. Local.
[[nodiscard]] bool prints_for_job();
/// mpirun ends the job at the first rank that leaves with an error: the silent ones let the one that speaks go first.
inline constexpr std::chrono::seconds kLetTheSpeakerLeave{3};

}  // namespace larimar::launch
