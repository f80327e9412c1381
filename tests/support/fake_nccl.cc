// A library that stands in for libnccl.so.2 where there is no GPU: the ranks are threads of one process, device memory is host
// memory, and a collective is done when the last rank has queued it. It never waits but in ncclCommInitRank, as the real one.
// LARIMAR_FAKE_NCCL, a comma-separated list, makes it misbehave: version=21005, fail=ncclX, hang=ncclX; with @R on rank R only.
#include "tests/support/fake_nccl.h"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "common/comm/nccl_library.h"

namespace {

using larimar::comm::NcclReduce;
using larimar::comm::NcclResult;
using larimar::comm::NcclType;
using larimar::comm::NcclUniqueId;
using larimar::support::FakeStream;

constexpr NcclResult kInternalError{3}, kInvalidArgument{4};
constexpr auto kLongestHang = std::chrono::seconds(20);

std::string told(const std::string& name) {
  const char* all = std::getenv("LARIMAR_FAKE_NCCL");
  std::istringstream entries(all == nullptr ? "" : all);
  for (std::string entry; std::getline(entries, entry, ',');) {
    if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
  }
  return {};
}

bool is_told(const char* what, const std::string& call, int rank) {
  const std::string value = told(what);
  return value == call || value == call + "@" + std::to_string(rank);
}

std::size_t size_of(NcclType type) {
  switch (type) {
    case NcclType::kUint8:
      return 1;
    case NcclType::kFloat16:
    case NcclType::kBFloat16:
      return 2;
    case NcclType::kInt32:
    case NcclType::kFloat32:
      return 4;
    case NcclType::kInt64:
    case NcclType::kFloat64:
      return 8;
  }
  return 0;
}

template <class T>
void add(std::vector<std::byte>& sum, const std::vector<std::byte>& more) {
  for (std::size_t at = 0; at + sizeof(T) <= sum.size(); at += sizeof(T)) {
    T a, b;
    std::memcpy(&a, sum.data() + at, sizeof a);
    std::memcpy(&b, more.data() + at, sizeof b);
    a = static_cast<T>(a + b);
    std::memcpy(sum.data() + at, &a, sizeof a);
  }
}

enum class Kind { kAllReduce, kAllGather, kBroadcast };

struct Queued {
  std::vector<std::byte> sent;
  void* receive;
  FakeStream* stream;
};

struct Operation {
  Kind kind;
  NcclType type;
  int root;
  std::map<int, Queued> ranks;
};

struct World {
  std::mutex mutex;
  std::condition_variable changed;
  int size = 0, joined = 0;
  bool aborted = false;
  std::map<std::uint64_t, Operation> operations;

  void finish(Operation& operation) const {
    std::vector<std::byte> result = operation.ranks.at(operation.kind == Kind::kBroadcast ? operation.root : 0).sent;
    for (int rank = 1; operation.kind != Kind::kBroadcast && rank < size; ++rank) {
      const std::vector<std::byte>& more = operation.ranks.at(rank).sent;
      if (operation.kind == Kind::kAllGather)
        result.insert(result.end(), more.begin(), more.end());
      else if (operation.type == NcclType::kFloat32)
        add<float>(result, more);
      else if (operation.type == NcclType::kFloat64)
        add<double>(result, more);
      else if (operation.type == NcclType::kInt32)
        add<std::int32_t>(result, more);
      else
        add<std::int64_t>(result, more);
    }
    for (auto& [rank, queued] : operation.ranks) {
      if (!result.empty()) std::memcpy(queued.receive, result.data(), result.size());
      --queued.stream->pending;
    }
  }
};

std::shared_ptr<World> world_of(const NcclUniqueId& id) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<World>> worlds;
  const std::scoped_lock lock(mutex);
  auto& world = worlds[std::string(id.bytes, sizeof id.bytes)];
  if (!world) world = std::make_shared<World>();
  return world;
}

}  // namespace

namespace larimar::comm {
struct NcclComm {
  std::shared_ptr<World> world;
  int rank = 0;
  std::uint64_t next = 0;
};
}  // namespace larimar::comm

namespace {

using larimar::comm::NcclComm;

NcclResult queue(const char* call, Kind kind, const void* send, void* receive, std::size_t count, NcclType type,
                 int root, NcclComm* comm, void* stream) {
  if (is_told("fail", call, comm->rank)) return kInternalError;
  auto* const fake_stream = static_cast<FakeStream*>(stream);
  ++fake_stream->pending;
  if (is_told("hang", call, comm->rank)) return NcclResult::kOk;
  const auto* begin = static_cast<const std::byte*>(send);
  World& world = *comm->world;
  const std::scoped_lock lock(world.mutex);
  const auto [found, is_new] = world.operations.try_emplace(comm->next++, Operation{kind, type, root, {}});
  Operation& operation = found->second;
  if (operation.kind != kind || operation.type != type || operation.root != root) return kInvalidArgument;
  operation.ranks[comm->rank] = {{begin, begin + count * size_of(type)}, receive, fake_stream};
  if (static_cast<int>(operation.ranks.size()) < world.size || world.aborted) return NcclResult::kOk;
  world.finish(operation);
  world.operations.erase(found);
  return NcclResult::kOk;
}

}  // namespace

extern "C" {

NcclResult ncclGetVersion(int* version) {
  const std::string value = told("version");
  *version = value.empty() ? 22105 : std::stoi(value);
  return NcclResult::kOk;
}

NcclResult ncclGetUniqueId(NcclUniqueId* id) {
  static std::atomic<std::uint64_t> next{1};
  if (is_told("fail", "ncclGetUniqueId", 0)) return kInternalError;
  const std::uint64_t number = next++;
  std::memset(id->bytes, 0, sizeof id->bytes);
  std::memcpy(id->bytes, &number, sizeof number);
  return NcclResult::kOk;
}

NcclResult ncclCommInitRank(NcclComm** comm, int ranks, NcclUniqueId id, int rank) {
  if (is_told("fail", "ncclCommInitRank", rank)) return kInternalError;
  const std::shared_ptr<World> world = world_of(id);
  std::unique_lock lock(world->mutex);
  world->size = ranks;
  if (!is_told("hang", "ncclCommInitRank", rank)) ++world->joined;
  world->changed.notify_all();
  if (!world->changed.wait_for(lock, kLongestHang, [&] { return world->joined == ranks; })) return kInternalError;
  *comm = new NcclComm{world, rank};
  return NcclResult::kOk;
}

NcclResult ncclCommAbort(NcclComm* comm) {
  {
    const std::scoped_lock lock(comm->world->mutex);
    comm->world->aborted = true;
  }
  delete comm;
  return NcclResult::kOk;
}

NcclResult ncclCommDestroy(NcclComm* comm) {
  delete comm;
  return NcclResult::kOk;
}

NcclResult ncclCommGetAsyncError(NcclComm* comm, NcclResult* error) {
  const std::scoped_lock lock(comm->world->mutex);
  *error = comm->world->aborted ? NcclResult::kRemoteError : NcclResult::kOk;
  return NcclResult::kOk;
}

NcclResult ncclAllReduce(const void* send, void* receive, std::size_t count, NcclType type, NcclReduce, NcclComm* comm,
                         void* stream) {
  return queue("ncclAllReduce", Kind::kAllReduce, send, receive, count, type, 0, comm, stream);
}

NcclResult ncclAllGather(const void* send, void* receive, std::size_t count, NcclType type, NcclComm* comm,
                         void* stream) {
  return queue("ncclAllGather", Kind::kAllGather, send, receive, count, type, 0, comm, stream);
}

NcclResult ncclBroadcast(const void* send, void* receive, std::size_t count, NcclType type, int root, NcclComm* comm,
                         void* stream) {
  return queue("ncclBroadcast", Kind::kBroadcast, send, receive, count, type, root, comm, stream);
}

// Nothing here waits for other ranks, so there is nothing to put together.
NcclResult ncclGroupStart() { return NcclResult::kOk; }
NcclResult ncclGroupEnd() { return NcclResult::kOk; }

const char* ncclGetErrorString(NcclResult result) {
  return result == NcclResult::kRemoteError ? "another rank has aborted" : "made to fail by LARIMAR_FAKE_NCCL";
}
}
