#pragma once
// NCCL is opened when it is asked for and is no part of the build: a machine without a GPU needs none of it. What is declared here is
// the binary interface of NCCL 2 as far as it is used; numbers of types and results are those that libnccl.so.2 has.
#include <cstddef>
#include <memory>
#include <string>

namespace larimar::comm {

/// What a communicator is known by to all that join it. Made on one rank, sent to the others as it is.
struct NcclUniqueId {
  char bytes[128];
};

/// Opaque to us.
struct NcclComm;

enum class NcclResult : int { kOk = 0, kRemoteError = 6, kInProgress = 7 };  // the rest is told by ncclGetErrorString
enum class NcclType : int {
  kUint8 = 1,
  kInt32 = 2,
  kInt64 = 4,
  kFloat16 = 6,
  kFloat32 = 7,
  kFloat64 = 8,
  kBFloat16 = 9
};
enum class NcclReduce : int { kSum = 0 };

inline constexpr int kNcclOldest = 21000;  // 2.10.0, the first with bfloat16; NCCL writes 2.10.3 as 21003
inline constexpr int kNcclEnd = 30000;     // another major version may be another interface

/// The functions that are used, by NCCL's names without the prefix. Streams are cudaStream_t.
struct NcclFunctions {
  NcclResult (*GetVersion)(int* version);
  NcclResult (*GetUniqueId)(NcclUniqueId* id);
  NcclResult (*CommInitRank)(NcclComm** comm, int ranks, NcclUniqueId id, int rank);
  NcclResult (*CommDestroy)(NcclComm* comm);
  NcclResult (*CommAbort)(NcclComm* comm);
  NcclResult (*CommGetAsyncError)(NcclComm* comm, NcclResult* error);
  NcclResult (*AllReduce)(const void* send, void* receive, std::size_t count, NcclType type, NcclReduce how,
                          NcclComm* comm, void* stream);
  NcclResult (*AllGather)(const void* send, void* receive, std::size_t send_count, NcclType type, NcclComm* comm,
                          void* stream);
  NcclResult (*Broadcast)(const void* send, void* receive, std::size_t count, NcclType type, int root, NcclComm* comm,
                          void* stream);
  NcclResult (*GroupStart)();
  NcclResult (*GroupEnd)();
  const char* (*GetErrorString)(NcclResult result);
};

/// NCCL as it was found on this machine. Immutable; stays loaded until the process ends, because NCCL has threads of its own.
class NcclLibrary {
 public:
  /// Opens `path`; empty: what the environment variable LARIMAR_NCCL_LIBRARY names, or else libnccl.so.2 where the loader finds it.
  /// Calls   local. Throws ConfigError (exit 78): it is not there, lacks a function, or is of a version that was not foreseen; the
  ///         text says what was found, what is expected and what to try.
  [[nodiscard]] static std::shared_ptr<const NcclLibrary> open(const std::string& path = {});

  [[nodiscard]] const NcclFunctions& functions() const { return functions_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int version() const { return version_; }
  /// "2.21.5"
  [[nodiscard]] std::string version_text() const;

 private:
  explicit NcclLibrary(std::string path);
  std::string path_;
  NcclFunctions functions_{};
  int version_ = 0;
};

}  // namespace larimar::comm
