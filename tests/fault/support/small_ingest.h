#pragma once
// A miniature of an ingest: two rounds of blocks over a few logs, each round a manifest before and after. Run again
// after any failure, it goes on where the folder says it stopped.
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/store/folder.h"
#include "tests/unit/store/support.h"

namespace larimar::store {

/// What was acknowledged, kept outside of the store: the records of each log whose sync() returned.
struct Acknowledged {
  std::map<std::uint32_t, std::uint64_t> records;
  std::uint64_t generation = 0;  // whose commit() returned
};

class SmallIngest {
 public:
  static constexpr std::uint32_t kShards = 3;
  static constexpr std::uint64_t kRoundRecords[] = {3, 5};  // of each log, after each round
  static constexpr std::uint64_t kGroup = 2;                // records of a group commit

  /// Is told of each group commit: shard and its records on disk.
  using Tell = std::function<void(std::uint32_t, std::uint64_t)>;

  explicit SmallIngest(FileSystem& files, std::filesystem::path path = default_path(), Tell tell = {})
      : files_(files), path_(std::move(path)), tell_(std::move(tell)) {}

  /// Everything still to do. Throws what the store throws; `acknowledged` is right then too.
  void run(Acknowledged& acknowledged) {
    Folder folder = open();
    acknowledged.generation = std::max(acknowledged.generation, folder.manifest().generation);
    while (!is_done(folder.manifest())) {
      const std::size_t round = (folder.manifest().generation - 1) / 2;
      if (folder.manifest().state == MemoryState::kComplete) {
        commit(folder, MemoryState::kIngesting, folder.manifest(), acknowledged);
        continue;
      }
      Manifest next = folder.manifest();
      for (std::uint32_t shard = 0; shard < kShards; ++shard) next.set_log(write(folder, shard, round, acknowledged));
      next.next_block = 256 * kRoundRecords[round];
      commit(folder, MemoryState::kComplete, next, acknowledged);
    }
  }

  static Record record(std::uint32_t shard, std::uint64_t number, std::vector<std::unique_ptr<OwnedRecord>>& keep) {
    keep.push_back(std::make_unique<OwnedRecord>(256 * number + shard, (number + shard) % 3));
    return keep.back()->record;
  }
  static std::string text(std::uint32_t shard, std::uint64_t number) {
    std::vector<std::unique_ptr<OwnedRecord>> keep;
    return text_of(record(shard, number, keep));
  }
  static std::filesystem::path default_path() { return "/memory"; }

 private:
  static bool is_done(const Manifest& manifest) { return manifest.generation == 2 * std::size(kRoundRecords); }

  Folder open() {
    if (Folder::is_memory(files_, path_)) {
      return Folder::open_writing(files_, path_, test_owner(), Recover::kKeepValidTail);
    }
    Manifest first = small_manifest();
    first.state = MemoryState::kIngesting;
    return Folder::create(files_, path_, first, test_owner());
  }

  static void commit(Folder& folder, MemoryState state, Manifest next, Acknowledged& acknowledged) {
    next.state = state;
    folder.commit(next);
    acknowledged.generation = folder.manifest().generation;
  }

  void acknowledge(LogWriter& log, std::uint32_t shard, Acknowledged& acknowledged) const {
    log.sync();
    acknowledged.records[shard] = log.synced().records;
    if (tell_) tell_(shard, log.synced().records);
  }

  LogState write(Folder& folder, std::uint32_t shard, std::size_t round, Acknowledged& acknowledged) {
    LogWriter log = folder.write_log(shard);
    std::vector<std::unique_ptr<OwnedRecord>> keep;
    while (log.position().records < kRoundRecords[round]) {
      log.append(record(shard, log.position().records, keep));
      if (log.position().records % kGroup != 0) continue;
      acknowledge(log, shard, acknowledged);
    }
    acknowledge(log, shard, acknowledged);
    return log.position();
  }

  FileSystem& files_;
  std::filesystem::path path_;
  Tell tell_;
};

}  // namespace larimar::store
