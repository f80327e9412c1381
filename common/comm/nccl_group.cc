#include "common/comm/nccl_group.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <span>
#include <thread>
#include <utility>

#include "common/base/clock.h"
#include "common/comm/agree.h"
#include "common/comm/same.h"

namespace larimar::comm {
namespace {

constexpr const char* kAdvice = "; start again with NCCL_DEBUG=INFO to see what NCCL says";

/// Polls until `done` or the deadline, first often and then at most each millisecond. Returns whether it was done.
bool poll(double seconds, const std::function<bool()>& done) {
  const base::Stopwatch watch;
  while (!done()) {
    const double waited = watch.seconds();
    if (waited > seconds) return done();
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(1e-3, 0.1 * waited)));
  }
  return true;
}

/// As comm::together, but an error of NCCL is told to the others: the transport is whole.
void agree_on(Transport& transport, const std::function<void()>& work) {
  comm::together(transport, [&] {
    try {
      work();
    } catch (const base::CommError& error) {
      throw base::Error(error.code(), error.what());
    }
  });
}

}  // namespace

// ncclCommInitRank waits for all ranks and knows no deadline, so it runs in a thread that can be left behind. Shared with that
// thread: whoever comes second has the communicator to end.
struct NcclGroup::Joining {
  enum class State { kRunning, kJoined, kAbandoned };
  std::atomic<State> state{State::kRunning};
  NcclComm* comm = nullptr;
  NcclResult result = NcclResult::kOk;
  std::exception_ptr exception{};
};

NcclGroup::NcclGroup(Transport& transport, std::shared_ptr<const NcclLibrary> library, DeviceStream stream)
    : transport_(transport), library_(std::move(library)), nccl_(library_->functions()), stream_(std::move(stream)) {
  const PhaseScope phase(transport_, "join NCCL");
  require_same(transport_, {{"the version of NCCL", library_->version_text(), "install one NCCL on every host"}});
  NcclUniqueId id{};
  agree_on(transport_, [&] {
    if (transport_.rank() == 0) check(nccl_.GetUniqueId(&id), "ncclGetUniqueId");
  });
  transport_.broadcast(std::span(&id, 1), 0);
  try {
    agree_on(transport_, [&] { join(id); });
  } catch (...) {
    abort();
    throw;
  }
}

NcclGroup::~NcclGroup() {
  if (comm_ == nullptr) return;
  static_cast<void>(broken_ ? nccl_.CommAbort(comm_) : nccl_.CommDestroy(comm_));
}

void NcclGroup::join(const NcclUniqueId& id) {
  using State = Joining::State;
  const auto joining = std::make_shared<Joining>();
  const int ranks = transport_.size(), rank = transport_.rank();
  std::thread([joining, library = library_, enter = stream_.enter_device, id, ranks, rank] {
    try {
      if (enter) enter();
      joining->result = library->functions().CommInitRank(&joining->comm, ranks, id, rank);
    } catch (...) {
      joining->exception = std::current_exception();
    }
    if (joining->state.exchange(State::kJoined) == State::kAbandoned && joining->comm != nullptr)
      static_cast<void>(library->functions().CommAbort(joining->comm));
  }).detach();
  // The rest of the patience is for the ranks to tell each other.
  if (!poll(0.5 * transport_.patience(), [&] { return joining->state == State::kJoined; }) &&
      joining->state.exchange(State::kAbandoned) != State::kJoined) {
    fail("ncclCommInitRank has not come back after half of the patience: another rank's GPU has not joined");
  }
  if (joining->exception) std::rethrow_exception(joining->exception);
  comm_ = joining->comm;
  check(joining->result, "ncclCommInitRank");
}

void NcclGroup::broadcast(void* buffer, std::size_t count, NcclType type, int root) {
  begin("ncclBroadcast");
  if (root < 0 || root >= transport_.size())
    fail("ncclBroadcast names rank " + std::to_string(root) + ", but the ranks are 0 to " +
         std::to_string(transport_.size() - 1));
  check(nccl_.Broadcast(buffer, buffer, count, type, root, comm_, stream_.handle), "ncclBroadcast");
}

void NcclGroup::all_gather(const void* mine, void* all, std::size_t count, NcclType type) {
  begin("ncclAllGather");
  check(nccl_.AllGather(mine, all, count, type, comm_, stream_.handle), "ncclAllGather");
}

void NcclGroup::all_reduce(void* buffer, std::size_t count, NcclType type) {
  begin("ncclAllReduce");
  check(nccl_.AllReduce(buffer, buffer, count, type, NcclReduce::kSum, comm_, stream_.handle), "ncclAllReduce");
}

void NcclGroup::together(const std::function<void()>& use) {
  begin("ncclGroupStart");
  check(nccl_.GroupStart(), "ncclGroupStart");
  try {
    use();
  } catch (...) {
    static_cast<void>(nccl_.GroupEnd());
    throw;
  }
  check(nccl_.GroupEnd(), "ncclGroupEnd");
}

void NcclGroup::wait() {
  begin("a wait");
  NcclResult error = NcclResult::kOk;
  const bool done = poll(transport_.patience(), [&] {
    if (stream_.is_idle()) return true;
    check(nccl_.CommGetAsyncError(comm_, &error), "ncclCommGetAsyncError");
    return error != NcclResult::kOk && error != NcclResult::kInProgress;
  });
  if (error != NcclResult::kOk && error != NcclResult::kInProgress)
    fail("a collective of NCCL failed: " + error_text(error));
  if (!done) {
    fail("waited " + std::to_string(static_cast<int>(transport_.patience())) +
         " s for a collective of NCCL in vain: a GPU of the group is gone, stuck or slower than allowed");
  }
}

void NcclGroup::begin(const char* call) const {
  if (broken_)
    throw base::CommError(std::string(call) + " is refused because NCCL failed before; the job has to be ended");
}

void NcclGroup::check(NcclResult result, const char* call) {
  if (result != NcclResult::kOk && result != NcclResult::kInProgress)
    fail(std::string(call) + " failed: " + error_text(result));
}

std::string NcclGroup::error_text(NcclResult result) const {
  const char* text = nccl_.GetErrorString(result);
  return std::string(text != nullptr ? text : "no text") + " (" + std::to_string(static_cast<int>(result)) + ")";
}

void NcclGroup::fail(const std::string& text) {
  abort();
  throw base::CommError("rank " + std::to_string(transport_.rank()) + " on " + transport_.host() + ", NCCL " +
                        library_->version_text() + ": " + text + kAdvice);
}

void NcclGroup::abort() noexcept {
  broken_ = true;
  if (comm_ != nullptr) static_cast<void>(nccl_.CommAbort(std::exchange(comm_, nullptr)));
}

}  // namespace larimar::comm
