#include "common/comm/mpi_environment.h"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/base/last_words.h"
#include "common/base/log.h"
#include "common/base/watchdog.h"
#include "common/comm/host_name.h"
#include "common/comm/in_process_transport.h"
#include "common/comm/mpi_transport.h"
#include "common/comm/simulated.h"
#include "common/comm/start_deadline.h"
#include "common/comm/ulfm.h"

namespace larimar::comm {
namespace {

// Open MPI's mpirun; PMIx (mpirun, srun --mpi=pmix); Hydra and srun --mpi=pmi2; MVAPICH2.
constexpr std::array kLauncherMarks = {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK"};
constexpr std::array kSizeMarks = {"OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS",
                                   "SLURM_NTASKS"};

// Deadlines of calls that MPI has only as blocking ones. The start waits for the slowest host to load the program.
constexpr double kStartSeconds = 300, kShrinkSeconds = 60, kEndSeconds = 60;

// An ending as the bits that are combined by "and": done only if all are, fatal if one is, and of codes the complement.
constexpr unsigned kDone = 1, kNotFatal = 2, kCodeShift = 8, kCodeMask = 0xff;

int to_bits(const Ending& ending) {
  const auto code = static_cast<unsigned>(ending.fatal ? ending.code : base::ExitCode::kOk);
  return static_cast<int>((ending.done ? kDone : 0U) | (ending.fatal ? 0U : kNotFatal) |
                          ((~code & kCodeMask) << kCodeShift));
}

Ending from_bits(int bits) {
  const auto word = static_cast<unsigned>(bits);
  const auto code = static_cast<int>(~(word >> kCodeShift) & kCodeMask);
  return {.done = (word & kDone) != 0, .fatal = (word & kNotFatal) == 0, .code = static_cast<base::ExitCode>(code)};
}

/// A watchdog; none on simulated ranks.
struct Deadline : std::optional<base::Watchdog> {
  Deadline(const char* call, double seconds, std::function<void()> before_end = {}) {
    if constexpr (!kSimulated) emplace(call, seconds, std::move(before_end));
  }
};

void require(int result, const char* call) {
  if (result != MPI_SUCCESS)
    throw base::CommError(std::string("MPI cannot start: ") + call + " failed with code " + std::to_string(result));
}

}  // namespace

bool launched_by_mpi() {
  return kSimulated || std::any_of(kLauncherMarks.begin(), kLauncherMarks.end(),
                                   [](const char* name) { return std::getenv(name) != nullptr; });
}

int announced_ranks() {
  for (const char* name : kSizeMarks) {
    const char* text = std::getenv(name);
    if (text == nullptr) continue;
    int ranks = 0;
    const char* end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, ranks);
    if (error == std::errc{} && stop == end && ranks >= 1) return ranks;
  }
  return 1;
}

std::string missing_ranks(int world_size) {
  const int announced = announced_ranks();
  if (world_size >= announced) return {};
  return std::to_string(announced) + " ranks were started but only " + std::to_string(world_size) +
         " found each other; start the job with one 'srun --mpi=pmix', or with the mpirun of the MPI that larimar was "
         "built with, and look for ranks that ended early";
}

void refuse_singletons(int world_size) {
  const int announced = announced_ranks();
  if (world_size > 1 || announced <= 1) return;
  throw base::ConfigError(std::to_string(announced) +
                          " ranks were asked for, but this process finds itself alone, so each would do the "
                          "whole job; start it with 'srun --mpi=pmix' or with the mpirun of the MPI it was built with "
                          "('mpirun -n 1' for one rank)");
}

struct Environment::Mpi {
  MPI_Comm world = MPI_COMM_NULL;  // duplicate of MPI_COMM_WORLD, with the dead in it
  int rank = 0, size = 1;
  std::vector<Peer> peers;  // [size]
  int exceptions_at_birth = std::uncaught_exceptions();

  void end_others() const { kill_local(peers, rank, host_name()); }

  // For those who are told of a death by a signal only.
  void note_peers() const {
    std::vector<base::JobProcess> others;
    for (int r = 0; r < size; ++r) {
      const Peer& peer = peers[static_cast<std::size_t>(r)];
      if (r != rank && host_name() == peer.host) others.push_back({peer.process, r});
    }
    base::note_job(others, rank);
  }
};

Environment::Environment() {
  if (!launched_by_mpi()) {
    refuse_singletons(1);
    return;
  }
  const StartDeadline deadline(start_patience());
  int provided = MPI_THREAD_SINGLE;
  require(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  if (!kSimulated && provided < MPI_THREAD_FUNNELED)  // SMPI has no threads, and its ranks need none
    throw base::CommError("MPI cannot start: it does not allow a program with threads");
  // Before the first duplicate is made, since communicators inherit the handler.
  require(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int size = 1;
  require(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
  refuse_singletons(size);
  mpi_ = std::make_unique<Mpi>();
  mpi_->size = size;
  require(MPI_Comm_rank(MPI_COMM_WORLD, &mpi_->rank), "MPI_Comm_rank");
  require(MPI_Comm_dup(MPI_COMM_WORLD, &mpi_->world), "MPI_Comm_dup");
}

Environment::~Environment() {
  // MPI_Finalize waits for all ranks; while an error is on its way out they may never come, and dead ones never do.
  if (!mpi_ || std::uncaught_exceptions() > mpi_->exceptions_at_birth || has_lost_ranks()) return;
  const Deadline deadline("the end of MPI", kEndSeconds, [this] {
    if (can_lose_ranks()) mpi_->end_others();
  });
  MPI_Comm_free(&mpi_->world);
  MPI_Finalize();
}

std::unique_ptr<Transport> Environment::make_transport() const {
  if (!mpi_) return make_single_transport();
  std::unique_ptr<MpiTransport> transport;
  {
    const Deadline deadline("making a communicator", kStartSeconds);
    transport = std::make_unique<MpiTransport>(mpi_->world);
  }
  mpi_->peers = transport->all_gather_one(this_process(transport->host()));
  mpi_->note_peers();
  transport->set_peers(mpi_->peers);
  return transport;
}

bool Environment::can_lose_ranks() const { return mpi_ && mpi_->size > 1 && ulfm::is_on(); }

std::string Environment::fault_tolerance() const { return mpi_ ? ulfm::describe() : "none (one process)"; }

bool Environment::has_lost_ranks() const { return can_lose_ranks() && ulfm::count_dead(mpi_->world) > 0; }

const std::vector<Peer>& Environment::peers() const {
  static const std::vector<Peer> kNone;
  return mpi_ ? mpi_->peers : kNone;
}

Ending Environment::agree(const Ending& mine, double seconds) const {
  int bits = to_bits(mine), done = 0;
  MPI_Request request = MPI_REQUEST_NULL;
  int result = ulfm::start_agreement(mpi_->world, &bits, &request);
  const base::Stopwatch watch;
  while (result == MPI_SUCCESS && done == 0) {
    result = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (watch.seconds() > seconds) {
      std::vector<int> ranks(mpi_->peers.size());
      std::iota(ranks.begin(), ranks.end(), 0);
      if (!mine.fatal)
        base::log(base::LogLevel::kError, "the ranks could not agree on how the job ends within " +
                                              std::to_string(static_cast<int>(seconds)) +
                                              " s: " + describe_silence(mpi_->peers, ranks, mpi_->rank, host_name()));
      mpi_->end_others();
      std::_Exit(static_cast<int>(mine.fatal ? mine.code : base::ExitCode::kInternal));
    }
    if (done == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // With dead ranks in the group the call says so, and has agreed all the same.
  if (result != MPI_SUCCESS && !ulfm::is_loss(result))
    throw base::CommError("the ranks cannot agree on how the job ends: MPI error " + std::to_string(result));
  return from_bits(bits);
}

std::unique_ptr<Transport> Environment::make_survivors_transport() const {
  MpiGroup group;
  {
    const Deadline deadline("leaving dead ranks out", kShrinkSeconds, [this] { mpi_->end_others(); });
    const int result = ulfm::shrink(mpi_->world, &group.comm);
    if (result != MPI_SUCCESS)
      throw base::CommError("the dead ranks cannot be left out: MPI error " + std::to_string(result));
  }
  MPI_Comm_set_errhandler(group.comm, MPI_ERRORS_RETURN);
  MPI_Group living = MPI_GROUP_NULL, all = MPI_GROUP_NULL;
  int size = 0;
  MPI_Comm_group(group.comm, &living);
  MPI_Comm_group(mpi_->world, &all);
  MPI_Group_size(living, &size);
  std::vector<int> ranks(static_cast<std::size_t>(size));
  std::iota(ranks.begin(), ranks.end(), 0);
  group.members.resize(ranks.size());
  MPI_Group_translate_ranks(living, size, ranks.data(), all, group.members.data());
  MPI_Group_free(&living);
  MPI_Group_free(&all);
  for (const int member : group.members) group.peers.push_back(mpi_->peers.at(static_cast<std::size_t>(member)));
  return std::make_unique<MpiTransport>(std::move(group));
}

}  // namespace larimar::comm
