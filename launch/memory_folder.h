#pragma once
// A memory folder as a job of several ranks sees it.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/comm/transport.h"
#include "common/memory/addresser.h"
#include "common/memory/rules.h"
#include "common/store/folder.h"
#include "common/wire/plan.h"
#include "shard/shard_service.h"
#include "shard/stored_segments.h"

namespace larimar::launch {

/// The folder open on every rank, and one manifest that all of them go by: rank 0's. Logs only grow, so what it names is
/// there whatever another job writes meanwhile. Rank 0 holds the lock while writing. Owns the open folder.
class MemoryFolder {
 public:
  /// Calls   collective. Throws AgreedError: what store::Folder throws.
  static MemoryFolder open_reading(comm::Transport& transport, const std::filesystem::path& path);
  /// With the lock. What lies beyond the committed state is kept if it is an unfinished ingest's, otherwise (a forget that
  /// did not get to its commit) cut off. With kComplete an unfinished memory is refused, untouched.
  enum class Wanted { kAny, kComplete };
  static MemoryFolder open_writing(comm::Transport& transport, const std::filesystem::path& path, Wanted wanted);
  /// `first` counts on rank 0.
  static MemoryFolder create(comm::Transport& transport, const std::filesystem::path& path,
                             const store::Manifest& first);
  /// Asked by rank 0 for all. Collective.
  static bool is_there(comm::Transport& transport, const std::filesystem::path& path);

  /// Equal on all ranks.
  [[nodiscard]] const store::Manifest& manifest() const { return manifest_; }
  [[nodiscard]] const store::Folder& folder() const { return *folder_; }

  /// A new generation, from rank 0's `next`. Calls collective.
  void commit(comm::Transport& transport, const store::Manifest& next);

 private:
  MemoryFolder() = default;
  void share(comm::Transport& transport);

  std::unique_ptr<store::Folder> folder_;
  store::Manifest manifest_;
};

/// Ends of the logs that the shards have written, into `next` on rank 0. `mine` is null on ranks without a shard.
/// Calls   collective.
void gather_log_states(comm::Transport& transport, const shard::LogWriters* mine, store::Manifest& next);

/// This shard's segments of the committed state. Local.
[[nodiscard]] shard::StoredSegments read_segments(const MemoryFolder& memory, const shard::ShardPlace& place);

/// The memory as it is asked: every shard loaded and solved. `shard` is null on ranks without one.
/// Calls   collective. Throws AgreedError: damaged logs, a key memory that is missing or not the manifest's.
[[nodiscard]] std::shared_ptr<const memory::Addresser> load_together(comm::Transport& transport,
                                                                     const wire::RolePlan& roles,
                                                                     const MemoryFolder& memory,
                                                                     shard::ShardService* shard,
                                                                     const shard::ShardPlace& place);

/// m0.safetensors of a memory, with the one tensor m0 [K, D]. Returns its hash for the manifest. Local; rank 0 only.
[[nodiscard]] store::Hash128 write_key_memory(const std::filesystem::path& folder, const linalg::Matrix& rows);

/// XXH3 of a file's bytes, as the manifest keeps it. Throws MissingInputError.
[[nodiscard]] store::Hash128 hash_of_file(const std::filesystem::path& path);

}  // namespace larimar::launch
