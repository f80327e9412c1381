#include "shard/log_writers.h"

#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "common/base/error.h"
#include "common/base/failpoint.h"
#include "common/wire/plan.h"

namespace larimar::shard {

static_assert(wire::kVirtualShards == store::kVirtualShards, "a block's log is its virtual shard's");

std::vector<store::LogState> logs_of_shard(const store::Manifest& manifest, base::ShardId shard,
                                           const wire::ShardMap& shards) {
  std::vector<store::LogState> mine;
  for (const store::LogState& log : manifest.logs) {
    if (shards.owner(log.shard) == shard.value) mine.push_back(log);
  }
  return mine;
}

LogWriters::LogWriters(const store::Folder& folder, base::ShardId shard, const wire::ShardMap& shards,
                       const std::filesystem::path& acknowledge)
    : folder_(folder), committed_(logs_of_shard(folder.manifest(), shard, shards)) {
  if (acknowledge.empty()) return;
  acknowledge_.open(acknowledge, std::ios::app);
  if (!acknowledge_)
    throw base::Error(base::ExitCode::kCannotCreate,
                      "cannot write " + acknowledge.string() +
                          " for acknowledgements; does its folder exist, and may you write there?");
}

store::LogWriter& LogWriters::writer(std::uint32_t virtual_shard) {
  const auto found = writers_.find(virtual_shard);
  if (found != writers_.end()) return found->second;
  return writers_.emplace(virtual_shard, folder_.write_log(virtual_shard)).first->second;
}

bool LogWriters::has(std::uint64_t block) {
  const auto last = writer(static_cast<std::uint32_t>(block % store::kVirtualShards)).last_block();
  return last && *last >= block;
}

void LogWriters::append(const store::SegmentsRecord& record) {
  writer(static_cast<std::uint32_t>(record.block % store::kVirtualShards)).append(record);
  LARIMAR_FAILPOINT("shard.block.appended");
  appended_.push_back(record.block);
  if (since_sync_.seconds() < kGroupCommitSeconds) return;
  if (commit_ && commit_->done.wait_for(std::chrono::seconds(0)) == std::future_status::timeout) return;
  end_commit();
  begin_commit();
}

void LogWriters::forget(std::uint32_t virtual_shard, std::span<const std::uint64_t> ids) {
  writer(virtual_shard).append(store::ForgetRecord{ids});
  LARIMAR_FAILPOINT("shard.forget.appended");
}

void LogWriters::begin_commit() {
  LARIMAR_FAILPOINT("shard.commit.begin");
  since_sync_.restart();
  Commit commit;
  commit.blocks.swap(appended_);
  for (auto& [shard, writer] : writers_) {
    if (const auto pending = writer.begin_sync()) commit.logs.emplace_back(&writer, *pending);
  }
  const auto wait = [logs = commit.logs] {
    for (const auto& [writer, pending] : logs) pending.wait();
  };
  try {
    commit.done = std::async(std::launch::async, wait);
  } catch (const std::system_error&) {  // no further thread may be had
    commit.done = std::async(std::launch::deferred, wait);
  }
  commit_ = std::move(commit);
}

void LogWriters::end_commit() {
  if (!commit_) return;
  Commit commit = std::move(*commit_);
  commit_.reset();
  try {
    commit.done.get();
  } catch (...) {
    for (auto& [writer, pending] : commit.logs) writer->fail_sync();
    throw;
  }
  for (auto& [writer, pending] : commit.logs) writer->end_sync(pending);
  LARIMAR_FAILPOINT("shard.commit.end");
  if (!acknowledge_.is_open()) return;
  std::string lines;
  for (const std::uint64_t block : commit.blocks) lines += std::to_string(block) + "\n";
  acknowledge_ << lines << std::flush;  // one write: lines of other shards do not come between
}

void LogWriters::sync() {
  end_commit();
  begin_commit();
  end_commit();
}

std::vector<store::LogState> LogWriters::states() const {
  std::map<std::uint32_t, store::LogState> all;
  for (const store::LogState& state : committed_) all[state.shard] = state;
  for (const auto& [shard, writer] : writers_) {
    if (writer.position().bytes > 0) all[shard] = writer.position();
  }
  std::vector<store::LogState> states;
  for (const auto& [shard, state] : all) states.push_back(state);
  return states;
}

}  // namespace larimar::shard
