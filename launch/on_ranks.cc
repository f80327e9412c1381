#include "launch/on_ranks.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/last_words.h"
#include "common/base/log.h"
#include "common/base/process.h"
#include "common/comm/agree.h"
#include "common/comm/mpi_environment.h"
#include "launch/start_check.h"

namespace larimar::launch {
namespace {

constexpr double kTellSeconds = 5;  // for the others to hear of a fatal error, while none of them may be stuck
constexpr double kToldSeconds = 3 * kTellSeconds;  // beyond the patience: who has the error ends the job before
constexpr double kHearSeconds = 0.3;               // for this rank to hear that another one is dead
constexpr double kSilenceTurn = 1.5, kMostTurns = 3;

/// How one call of the command ended here.
struct Attempt {
  comm::Ending ending{};
  int code = 0;
  std::string agreed_error{};  // that all ranks know
  std::string phase{};         // in which a loss was noticed
};

// Silence is noticed by all that wait, at the same time. The lowest one speaks and ends the job before the next one's turn.
// Returns whether it is this rank that speaks.
bool wait_for_turn(comm::Transport& transport) {
  const double seconds = kSilenceTurn * std::min<double>(transport.rank(), kMostTurns);
  const base::Stopwatch watch;
  while (watch.seconds() < seconds) {
    if (transport.others_gave_up()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

Attempt fatal(base::ExitCode code, const std::string& text, const std::string& phase) {
  base::log(base::LogLevel::kError, text + " (phase: " + phase + ")");
  return {.ending = {.fatal = true, .code = code}, .code = static_cast<int>(code), .phase = phase};
}

/// "ask": ranks may have the program under different names.
std::string command_word() {
  const std::string command = base::process_command();
  return command.substr(command.find(' ') + 1);
}

// What a dying peer sent may be garbage, and an error that follows from it is not this rank's own. A real one comes again.
bool is_others_fault(comm::Transport& transport) {
  const base::Stopwatch watch;
  while (transport.size() > 1 && watch.seconds() < kHearSeconds) {
    if (transport.others_gave_up()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

Attempt try_once(const RankCommand& command, comm::Transport& transport, Session& session) {
  try {
    LARIMAR_FAILPOINT("launch.command.begin");
    if (command.checks_start && session.losses() == 0) check_start(transport, command_word());
    const int code = command.work(transport, session);
    LARIMAR_FAILPOINT("launch.command.done");
    return {.ending = {.done = true}, .code = code, .phase = transport.phase()};
  } catch (const comm::AgreedError& error) {
    return {.ending = {.done = true}, .code = static_cast<int>(error.code()), .agreed_error = error.what()};
  } catch (const comm::RankLostError&) {
    return {.phase = transport.phase_of_loss()};
  } catch (const comm::SilenceError& error) {
    if (!wait_for_turn(transport)) return {.phase = transport.phase()};
    return fatal(error.code(), error.what(), transport.phase());
  } catch (const base::Error& error) {
    if (is_others_fault(transport)) return {.phase = transport.phase()};
    return fatal(error.code(), error.what(), transport.phase());
  } catch (const std::exception& error) {
    if (is_others_fault(transport)) return {.phase = transport.phase()};
    return fatal(base::ExitCode::kInternal, std::string("unexpected failure: ") + error.what(), transport.phase());
  }
}

// No MPI_Finalize: with a dead rank, or one that dies in it, it may wait for ever. Whoever comes here has agreed with the
// others that all are done.
[[noreturn]] void leave(int code) {
  std::cout.flush();
  std::fflush(nullptr);
  ::_exit(code);
}

std::string words_of(const coordinator::RankFault& fault) {
  std::string roles;
  for (const std::string& role : fault.roles) roles += (roles.empty() ? " (" : ", ") + role;
  return "rank " + std::to_string(fault.rank) + " on " + fault.host + roles + (roles.empty() ? "" : ")") +
         " died in phase '" + fault.phase + "'";
}

std::string how_to_go_on(const RankCommand& command, int ranks) {
  std::string line = ranks > 1 ? "mpirun -n " + std::to_string(ranks) : "";
  for (const std::string& word : command.command_line)
    line +=
        (line.empty() ? "" : " ") + (word.find_first_of(" \t\"'$*?") == std::string::npos ? word : "'" + word + "'");
  return (command.goes_on ? "The same command goes on where it was: " : "Start it again: ") + line;
}

class RankLoop {
 public:
  explicit RankLoop(const RankCommand& command) : command_(command) {}

  /// Throws base::Error if MPI does not start.
  void start() {
    environment_.emplace();
    transport_ = environment_->make_transport();
    base::prepare_last_words("rank " + std::to_string(transport_->rank()) + " " + transport_->host());
    base::note_resume(how_to_go_on(command_, transport_->size()));
    base::arm_failpoints_from_environment(transport_->rank());
    base::open_log({.rank = transport_->rank(), .host = transport_->host()});
    session_.emplace(transport_->size());
    living_ = transport_->size();
    session_->fault_tolerance = environment_->fault_tolerance();
    const bool survives = command_.may_start_again && command_.setup.on_loss != OnLoss::kEnd;
    if (environment_->can_lose_ranks() && survives)
      session_->allow_losses(command_.may_answer_partly && command_.setup.on_loss == OnLoss::kDegrade
                                 ? wire::Orphans::kMissing
                                 : wire::Orphans::kTakenOver);
    if (transport_->rank() == 0 && transport_->size() > 1 && !command_.setup.quiet)
      base::log(base::LogLevel::kInfo, "fault tolerance: " + session_->fault_tolerance);
  }

  int run() {
    while (true) {
      const Attempt attempt = try_once(command_, *transport_, *session_);
      const auto noticed = std::chrono::system_clock::now();
      if (!environment_->can_lose_ranks()) return end_alone(attempt);
      if (attempt.ending.fatal) transport_->give_up();
      const comm::Ending all = environment_->agree(
          attempt.ending, attempt.ending.fatal ? kTellSeconds : transport_->patience() + kToldSeconds);
      if (all.fatal) leave(attempt.ending.fatal ? attempt.code : static_cast<int>(all.code));
      if (all.done) end_together(attempt);
      go_on(attempt, noticed);
    }
  }

 private:
  // Without ULFM: an error of this rank alone takes the job down by MPI_Abort.
  int end_alone(const Attempt& attempt) {
    if (!attempt.ending.done && !attempt.ending.fatal) {
      std::this_thread::sleep_for(std::chrono::seconds(3));  // mpirun ends this rank meanwhile
      base::log(base::LogLevel::kError, "another rank is gone, which ends the job");
      transport_->abort(base::ExitCode::kInternal);
    }
    if (!attempt.agreed_error.empty() && transport_->rank() == 0)
      base::log(base::LogLevel::kError, attempt.agreed_error);
    if (attempt.ending.fatal && transport_->size() > 1) transport_->abort(static_cast<base::ExitCode>(attempt.code));
    if (attempt.ending.done) meet(attempt.code);
    if (attempt.ending.done && attempt.agreed_error.empty() && transport_->rank() == 0) session_->say();
    return attempt.code;
  }

  // mpirun ends the others as soon as one has left with an error, and only rank 0 may know the code. So all come here first,
  // whatever theirs is, and nobody calls that a death.
  void meet(int code) {
    base::note_job({}, transport_->rank());
    try {
      transport_->barrier();
    } catch (const base::CommError& error) {  // the work is done; MPI_Finalize would wait for whoever is not here
      base::log(base::LogLevel::kWarning, error.what());
      leave(code);
    }
  }

  [[noreturn]] void end_together(const Attempt& attempt) {
    if (transport_->rank() == 0) {
      if (!attempt.agreed_error.empty())
        base::log(base::LogLevel::kError, attempt.agreed_error);
      else
        session_->say();
    }
    LARIMAR_FAILPOINT("launch.job.agreed");
    leave(attempt.code);
  }

  // Over the ranks that live; or, if the job is not to survive, no further.
  void go_on(const Attempt& attempt, std::chrono::system_clock::time_point noticed) {
    LARIMAR_FAILPOINT("launch.loss.noticed");
    std::vector<std::string> hosts;
    for (const comm::Peer& peer : environment_->peers()) hosts.emplace_back(peer.host);
    const std::size_t known = session_->faults().size();
    transport_.reset();
    transport_ = environment_->make_survivors_transport();
    const auto ready = std::chrono::system_clock::now();
    if (transport_->size() == living_) {
      base::log(base::LogLevel::kError, "a rank was said to be lost, but all are there; report this with run.json");
      leave(static_cast<int>(base::ExitCode::kInternal));
    }
    living_ = transport_->size();
    session_->lose(transport_->members(), hosts,
                   {.phase = attempt.phase,
                    .noticed_at = noticed,
                    .shrink_seconds = std::chrono::duration<double>(ready - noticed).count()});
    LARIMAR_FAILPOINT("launch.loss.survived");
    std::string words;
    for (std::size_t i = known; i < session_->faults().size(); ++i)
      words += (words.empty() ? "" : "; ") + words_of(session_->faults()[i]);
    const bool speaks = transport_->rank() == 0;
    if (!session_->may_lose_ranks()) {
      if (speaks)
        base::log(base::LogLevel::kError,
                  words + "; the job ends. " + how_to_go_on(command_, session_->ranks_at_start()));
      leave(static_cast<int>(base::ExitCode::kInternal));
    }
    if (speaks)
      base::log(base::LogLevel::kWarning, words + "; going on with " + std::to_string(transport_->size()) + " ranks");
  }

  const RankCommand& command_;
  std::optional<comm::Environment> environment_;  // outlives the transport
  std::unique_ptr<comm::Transport> transport_;
  std::optional<Session> session_;
  int living_ = 0;
};

}  // namespace

bool prints_for_job() {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"}) {
    if (const char* rank = std::getenv(name); rank != nullptr) return std::string_view(rank) == "0";
  }
  return true;
}

int run_on_ranks(const RankCommand& command) {
  const bool speaks = prints_for_job();  // asked now: an MPI that finds itself alone takes rank 0
  RankLoop loop(command);
  bool started = false;
  try {
    loop.start();
    started = true;
    return loop.run();
  } catch (const base::Error& error) {  // before the first attempt, or MPI itself failed
    if (!started && !speaks) {          // ranks that are all alone would all say the same
      std::this_thread::sleep_for(kLetTheSpeakerLeave);
      return static_cast<int>(error.code());
    }
    base::log(base::LogLevel::kError, error.what());
    return static_cast<int>(error.code());
  }
}

}  // namespace larimar::launch
