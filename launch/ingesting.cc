#include "launch/ingesting.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/clock.h"
#include "common/base/interrupt.h"
#include "common/base/progress.h"
#include "common/comm/agree.h"

namespace larimar::launch {
namespace {

constexpr comm::Tag kIngestProgress{10};
constexpr comm::Tag kIngestStop{11};
constexpr double kProgressSeconds = 0.2;

struct ShardProgress {
  std::uint64_t blocks_done = 0;
  std::uint64_t finished = 0;  // also after an error
  std::uint64_t failed = 0;
};

/// Another shard has failed, so that the rest of the context need not be encoded. Never leaves ingest_together.
struct IngestStopped {};

/// Whatever ends an ingest, what was appended gets onto the disk: as much of the work as possible is kept.
class FlushLogs {
 public:
  explicit FlushLogs(const shard::Ingesting& how) : logs_(how.logs) {}
  ~FlushLogs() {
    try {
      if (logs_ != nullptr) logs_->sync();
    } catch (const base::Error&) {  // the error on its way says more
    }
  }
  FlushLogs(const FlushLogs&) = delete;
  FlushLogs& operator=(const FlushLogs&) = delete;

 private:
  shard::LogWriters* logs_;
};

double rate(std::uint64_t tokens, double seconds) { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0; }

void watch_shards(comm::Transport& transport, const wire::RolePlan& roles, const JobSetup& setup,
                  std::uint64_t blocks) {
  const comm::PatienceScope watchful(transport, setup.patience);
  base::Progress progress("ingest", blocks, "blocks",
                          setup.quiet ? base::Progress::Mode::kOff : base::Progress::Mode::kAuto);
  std::vector<std::uint64_t> done(static_cast<std::size_t>(roles.ranks));
  std::vector<int> busy = roles.shard_ranks;
  bool stopped = false;
  while (!busy.empty()) {
    const auto message = transport.receive_any<ShardProgress>(kIngestProgress);
    done[static_cast<std::size_t>(message.source)] = message.value.blocks_done;
    if (message.value.finished != 0) std::erase(busy, message.source);
    if (message.value.failed != 0 && !std::exchange(stopped, true)) {
      const std::uint64_t nothing = 0;
      for (const int rank : busy) transport.post(std::span(&nothing, 1), rank, kIngestStop);
    }
    progress.set(std::accumulate(done.begin(), done.end(), std::uint64_t{0}));
  }
  progress.finish();
}

}  // namespace

std::vector<shard::IngestStats> ingest_together(comm::Transport& transport, const wire::RolePlan& roles,
                                                const JobSetup& setup, shard::ShardService* shard,
                                                const shard::Ingesting* how, const text::Corpus& corpus) {
  const comm::PatienceScope idle(transport, kIdlePatience);
  std::optional<base::Progress> progress;
  const bool show = transport.rank() == 0 && !setup.quiet;
  if (show && shard != nullptr) progress.emplace("ingest", corpus.blocks().size(), "blocks");
  const shard::IngestStats mine = comm::together(transport, [&] {
    if (shard == nullptr) {
      if (transport.rank() == 0) watch_shards(transport, roles, setup, corpus.blocks().size());
      return shard::IngestStats{};
    }
    base::Stopwatch since_report;
    ShardProgress state;
    const auto tell = [&] {
      if (progress) progress->set(state.blocks_done);
      if (transport.rank() != 0) transport.post(std::span(&state, 1), 0, kIngestProgress);
      since_report.restart();
    };
    try {
      const FlushLogs flush(*how);
      const shard::IngestStats stats = shard->ingest(corpus, *how, [&](const shard::IngestStats& now) {
        state.blocks_done = now.blocks_done;
        base::throw_if_interrupted();
        if (since_report.seconds() >= kProgressSeconds) tell();
        if (transport.try_receive_any<std::uint64_t>(kIngestStop)) throw IngestStopped{};
      });
      state.finished = 1;
      tell();
      return stats;
    } catch (const IngestStopped&) {  // the failed shard says why
      state.finished = 1;
      tell();
      return shard::IngestStats{};
    } catch (...) {
      state.finished = state.failed = 1;
      tell();
      throw;
    }
  });
  if (progress) progress->finish();
  const auto all = transport.all_gather_one(mine);
  std::vector<shard::IngestStats> of_shards;
  for (const int rank : roles.shard_ranks) of_shards.push_back(all[static_cast<std::size_t>(rank)]);
  return of_shards;
}

void report_context(const text::Corpus& corpus, const std::vector<shard::IngestStats>& stats,
                    coordinator::RunReport& report) {
  shard::IngestStats sum;
  double slowest = 0;
  for (const shard::IngestStats& one : stats) {
    sum.segments += one.segments;
    sum.tokens += one.tokens;
    sum.masked_bytes += one.masked_bytes;
    sum.seconds_segmenting += one.seconds_segmenting;
    sum.seconds_codes += one.seconds_codes;
    sum.seconds_keys += one.seconds_keys;
    slowest = std::max(slowest, one.seconds_all);
  }
  report.context = {corpus.documents().size(), corpus.bytes(), sum.segments, sum.tokens, sum.masked_bytes};
  // Of one shard working alone at that step, and of all shards together.
  report.tokens_per_second = {{"segmenting_per_shard", rate(sum.tokens, sum.seconds_segmenting)},
                              {"codes_per_shard", rate(sum.tokens, sum.seconds_codes)},
                              {"keys_per_shard", rate(sum.tokens, sum.seconds_keys)},
                              {"all_shards", rate(sum.tokens, slowest)}};
}

}  // namespace larimar::launch
