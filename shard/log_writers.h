#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/store/folder.h"
#include "common/wire/plan.h"

namespace larimar::shard {

/// Seconds after which appended records are put on disk together.
inline constexpr double kGroupCommitSeconds = 1.0;

/// The logs of one shard's virtual shards, for writing. A record counts as written after the sync() behind its append.
/// While a group of records gets onto the disk, which a thread of its own waits for, further ones are appended.
/// Borrows the folder, owns the open logs; for one thread at a time.
class LogWriters {
 public:
  /// `acknowledge`: a file that gets a line for each block once it is on disk; empty: none. Several shards may share it.
  LogWriters(const store::Folder& folder, base::ShardId shard, const wire::ShardMap& shards,
             const std::filesystem::path& acknowledge = {});

  /// Whether the block's record is there already, from the job that this one continues.
  [[nodiscard]] bool has(std::uint64_t block);
  /// Precondition: the block is of this shard. If the last group commit was begun kGroupCommitSeconds ago and is over, it
  /// begins the next one and does not wait for it.
  /// Throws  as store::LogWriter, and what a group commit has met since the last call.
  void append(const store::SegmentsRecord& record);
  /// The ids in the logs where their segments lie.
  void forget(std::uint32_t virtual_shard, std::span<const std::uint64_t> ids);
  /// Until all is on disk.
  void sync();

  /// Ends of all logs of this shard in use, by rising number.
  [[nodiscard]] std::vector<store::LogState> states() const;

 private:
  struct Commit {
    std::vector<std::pair<store::LogWriter*, store::PendingSync>> logs;
    std::vector<std::uint64_t> blocks;
    std::future<void> done;
  };
  void begin_commit();
  void end_commit();
  store::LogWriter& writer(std::uint32_t virtual_shard);

  const store::Folder& folder_;
  std::map<std::uint32_t, store::LogWriter> writers_;
  std::vector<store::LogState> committed_;  // of this shard's logs
  base::Stopwatch since_sync_;
  std::ofstream acknowledge_;
  std::vector<std::uint64_t> appended_;  // blocks of no commit yet
  std::optional<Commit> commit_;         // under way; goes before the writers
};

/// Virtual shards that belong to a shard: those that are in use, by rising number.
[[nodiscard]] std::vector<store::LogState> logs_of_shard(const store::Manifest& manifest, base::ShardId shard,
                                                         const wire::ShardMap& shards);

}  // namespace larimar::shard
