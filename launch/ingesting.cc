#include "launch/ingesting.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <numeric>
#include <thread>
#include <utility>

#include "common/base/clock.h"
#include "common/base/interrupt.h"
#include "common/base/progress.h"
#include "common/comm/agree.h"

namespace larimar::launch {
namespace {

constexpr comm::Tag kIngestProgress{10};
constexpr comm::Tag kIngestStop{11};
constexpr comm::Tag kIngestSign{12};
constexpr double kProgressSeconds = 0.2;
constexpr double kSignSeconds = 0.5;  // between signs of life of rank 0
constexpr std::uint64_t kStillBusy = 0, kAllDone = 1;

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

/// Rank 0's side of an ingest: hears of the shards' progress, stops the rest when one fails, and lets those that have
/// nothing more to do know that it is alive, so that a rank that falls silent is noticed by all.
class Watch {
 public:
  Watch(comm::Transport& transport, const wire::RolePlan& roles) : transport_(transport), busy_(roles.shard_ranks) {
    std::erase(busy_, 0);
    for (int rank = 1; rank < roles.ranks; ++rank) {
      if (roles.shard_of(rank) < 0) idle_.push_back(rank);
    }
    done_.resize(static_cast<std::size_t>(roles.ranks));
  }

  /// Takes what has come in; never waits.
  void look() {
    while (const auto message = transport_.try_receive_any<ShardProgress>(kIngestProgress)) take(*message);
    if (since_sign_.seconds() < sign_seconds()) return;
    since_sign_.restart();
    for (const int rank : idle_) post(rank, kIngestSign, kStillBusy);
  }
  /// Until all other shards are done, or one is silent for as long as the patience.
  void wait(const std::function<void(std::uint64_t)>& show) {
    const double patience = transport_.patience();
    base::Stopwatch since_message;
    std::size_t messages = messages_;
    while (!busy_.empty()) {
      look();
      show(std::accumulate(done_.begin(), done_.end(), std::uint64_t{0}));
      if (messages_ != messages) since_message.restart();
      messages = messages_;
      if (since_message.seconds() > patience - sign_seconds()) {
        // The usual wait says who is silent.
        const comm::PatienceScope rest(transport_, sign_seconds(), since_message.seconds());
        take(transport_.receive_any<ShardProgress>(kIngestProgress));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  /// Now everybody goes on, also after an error here.
  void dismiss() {
    for (const int rank : idle_) post(rank, kIngestSign, kAllDone);
    for (const int rank : busy_) post(rank, kIngestSign, kAllDone);
  }
  void stop() {
    if (!std::exchange(stopped_, true)) {
      for (const int rank : busy_) post(rank, kIngestStop, 0);
    }
  }
  void set_own(std::uint64_t blocks) { done_[0] = blocks; }

 private:
  void take(const comm::Received<ShardProgress>& message) {
    ++messages_;
    done_[static_cast<std::size_t>(message.source)] = message.value.blocks_done;
    if (message.value.finished != 0) {
      std::erase(busy_, message.source);
      idle_.push_back(message.source);
    }
    if (message.value.failed != 0) stop();
  }
  void post(int rank, comm::Tag tag, std::uint64_t value) { transport_.post(std::span(&value, 1), rank, tag); }

  [[nodiscard]] double sign_seconds() const { return std::min(kSignSeconds, transport_.patience() / 4); }

  comm::Transport& transport_;
  std::vector<int> busy_, idle_;
  std::vector<std::uint64_t> done_;
  std::size_t messages_ = 0;
  bool stopped_ = false;
  base::Stopwatch since_sign_;
};

/// The others' side, once they have nothing more to do.
void wait_for_all(comm::Transport& transport) {
  std::uint64_t sign = kStillBusy;
  while (sign == kStillBusy) transport.receive(std::span(&sign, 1), 0, kIngestSign);
}

}  // namespace

std::vector<shard::IngestStats> ingest_together(comm::Transport& transport, const wire::RolePlan& roles,
                                                const JobSetup& setup, shard::ShardService* shard,
                                                const shard::Ingesting* how, const text::Corpus& corpus) {
  const comm::PatienceScope watchful(transport, setup.patience);
  const bool root = transport.rank() == 0;
  std::optional<base::Progress> progress;
  if (root && !setup.quiet) progress.emplace("ingest", corpus.blocks().size(), "blocks");
  std::optional<Watch> watch;
  if (root) watch.emplace(transport, roles);
  const auto show = [&](std::uint64_t blocks) {
    if (progress) progress->set(blocks);
  };
  const shard::IngestStats mine = comm::together(transport, [&] {
    base::Stopwatch since_report;
    ShardProgress state;
    const auto tell = [&] {
      if (root) {
        watch->set_own(state.blocks_done);
        show(state.blocks_done);
      } else {
        transport.post(std::span(&state, 1), 0, kIngestProgress);
      }
      since_report.restart();
    };
    const auto finish = [&] {
      state.finished = 1;
      if (!root) {
        if (shard != nullptr) tell();
        return wait_for_all(transport);
      }
      if (state.failed != 0) watch->stop();
      watch->wait(show);
      watch->dismiss();
    };
    if (shard == nullptr) {
      finish();
      return shard::IngestStats{};
    }
    shard::IngestStats stats;
    std::exception_ptr failure;
    try {
      const FlushLogs flush(*how);
      stats = shard->ingest(corpus, *how, [&](const shard::IngestStats& now) {
        state.blocks_done = now.blocks_done;
        base::throw_if_interrupted();
        if (root) watch->look();
        if (since_report.seconds() >= kProgressSeconds) tell();
        if (transport.try_receive_any<std::uint64_t>(kIngestStop)) throw IngestStopped{};
      });
    } catch (const IngestStopped&) {  // the failed shard says why
      stats = {};
    } catch (const base::CommError&) {  // nobody can be told
      throw;
    } catch (...) {
      failure = std::current_exception();
      state.failed = 1;
    }
    finish();
    if (failure) std::rethrow_exception(failure);
    return stats;
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
    sum.blocks += one.blocks;
    sum.cached_blocks += one.cached_blocks;
    sum.seconds_segmenting += one.seconds_segmenting;
    sum.seconds_codes += one.seconds_codes;
    sum.seconds_keys += one.seconds_keys;
    slowest = std::max(slowest, one.seconds_all);
  }
  report.context = {corpus.documents().size(), corpus.bytes(), sum.segments,     sum.tokens,
                    sum.masked_bytes,          sum.blocks,     sum.cached_blocks};
  // Of one shard working alone at that step, and of all shards together.
  report.tokens_per_second = {{"segmenting_per_shard", rate(sum.tokens, sum.seconds_segmenting)},
                              {"codes_per_shard", rate(sum.tokens, sum.seconds_codes)},
                              {"keys_per_shard", rate(sum.tokens, sum.seconds_keys)},
                              {"all_shards", rate(sum.tokens, slowest)}};
}

}  // namespace larimar::launch
