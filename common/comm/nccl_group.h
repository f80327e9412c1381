#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "common/comm/nccl_library.h"
#include "common/comm/transport.h"

namespace larimar::comm {

/// Where device work of a rank is queued, as its owner (who has CUDA) gives it; knows nothing of LibTorch or CUDA itself.
struct DeviceStream {
  void* handle = nullptr;                // cudaStream_t
  std::function<bool()> is_idle;         // whether all that was queued is done; never waits
  std::function<void()> enter_device{};  // makes the rank's GPU the current one of the calling thread; may be empty
};

/// The GPUs of a group of ranks, one each, talking by NCCL. Pointers are device memory of the rank's GPU, or what the library in use
/// takes for it. A collective is queued on the stream and returns; wait() returns when it is done. All ranks call the same ones in
/// the same order with the same counts. Owns the communicator, borrows the transport, over which errors and the start are agreed;
/// used by one thread.
/// Every wait ends: after the transport's patience, or at an error that NCCL noticed by itself, the communicator is aborted and
/// CommError is thrown, by that call and each later one.
class NcclGroup {
 public:
  /// Calls   collective on the transport: the ranks agree on version and id and join within half of the patience.
  /// Throws  AgreedError on every rank alike: kConfig for different versions, kInternal for a rank that cannot join; CommError.
  NcclGroup(Transport& transport, std::shared_ptr<const NcclLibrary> library, DeviceStream stream);
  /// Leaves in order if nothing failed, else aborts. Local; call wait() before.
  ~NcclGroup();
  NcclGroup(const NcclGroup&) = delete;
  NcclGroup& operator=(const NcclGroup&) = delete;

  /// The root's elements reach everybody's buffer: codes to the replicas of a decoder, weights to learners.
  /// Calls: collective, queued. Throws CommError.
  void broadcast(void* buffer, std::size_t count, NcclType type, int root);
  /// Everybody's `count` elements in rank order: generated tokens, codes of encoder ranks.
  /// Shapes  mine [count], all [ranks * count]; mine may be its own place in all. Calls: collective, queued. Throws CommError.
  void all_gather(const void* mine, void* all, std::size_t count, NcclType type);
  /// The sum over all ranks in everybody's buffer: gradients. The order of additions is NCCL's.
  /// Calls: collective, queued. Throws CommError.
  void all_reduce(void* buffer, std::size_t count, NcclType type);
  /// Within use() the collectives are put together and start as one at its end. Calls: as what is called within. Throws CommError.
  void together(const std::function<void()>& use);
  /// Returns when the stream has done all that was queued. Calls: local, with an end that depends on the others. Throws CommError.
  void wait();

 private:
  struct Joining;
  void join(const NcclUniqueId& id);
  void begin(const char* call) const;
  void check(NcclResult result, const char* call);
  [[noreturn]] void fail(const std::string& text);
  [[nodiscard]] std::string error_text(NcclResult result) const;
  void abort() noexcept;

  Transport& transport_;
  std::shared_ptr<const NcclLibrary> library_;
  const NcclFunctions& nccl_;
  DeviceStream stream_;
  NcclComm* comm_ = nullptr;
  bool broken_ = false;
};

}  // namespace larimar::comm
