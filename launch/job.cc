#include "launch/job.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/clock.h"
#include "common/base/process.h"
#include "common/base/progress.h"
#include "common/comm/agree.h"
#include "common/model/runtime.h"
#include "launch/asking.h"
#include "launch/write.h"

namespace larimar::launch {
namespace {

constexpr comm::Tag kIngestProgress{10};
constexpr comm::Tag kIngestStop{11};
constexpr double kProgressSeconds = 0.2;
// Ranks without work in a phase wait for rank 0, which watches the silence of those that have some.
constexpr double kIdlePatience = 7 * 24 * 3600.0;

struct ShardProgress {
  std::uint64_t blocks_done = 0;
  std::uint64_t finished = 0;  // also after an error
  std::uint64_t failed = 0;
};

/// Another shard has failed, so that the rest of the context need not be encoded. Never leaves Job::ingest.
struct IngestStopped {};

class PhaseTimes {
 public:
  explicit PhaseTimes(std::vector<coordinator::PhaseValue>& phases) : phases_(phases) {}
  void end(const char* name) {
    phases_.push_back({name, watch_.seconds()});
    watch_.restart();
  }

 private:
  std::vector<coordinator::PhaseValue>& phases_;
  base::Stopwatch watch_;
};

struct HostName {
  char text[64] = {};
};

double rate(std::uint64_t tokens, double seconds) { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0.0; }

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

}  // namespace

Job::Job(comm::Transport& transport, const JobSetup& setup)
    : transport_(transport), plan_(wire::plan_roles(transport.size(), setup.decoders)) {
  transport_.set_patience(setup.patience);
  const comm::PhaseScope phase(transport_, "load models");
  const int rank = transport_.rank();
  networks_ = comm::together(transport_, [&] {
    setup_ = resolve(setup);
    model::set_threads(setup_.threads);
    return load_networks(
        setup_, {plan_.shard_of(rank) >= 0, plan_.shard_of(rank) >= 0 || rank == 0, plan_.decoder_of(rank) >= 0});
  });
}

JobResult Job::run(const JobRequest& request) {
  wire::JobMessage message{request.context, request.key_mode, request.queries.size(), false};
  std::string bytes = wire::to_bytes(message);
  transport_.broadcast_string(bytes, 0);
  return run_together(message, request.queries);
}

void Job::stop() {
  wire::JobMessage message;
  message.stop = true;
  std::string bytes = wire::to_bytes(message);
  transport_.broadcast_string(bytes, 0);
}

void Job::serve() {
  while (true) {
    std::string bytes;
    {
      const comm::PatienceScope idle(transport_, kIdlePatience);
      transport_.broadcast_string(bytes, 0);
    }
    const wire::JobMessage message = wire::job_from_bytes(bytes);
    if (message.stop) return;
    static_cast<void>(run_together(message, {}));
  }
}

JobResult Job::run_together(const wire::JobMessage& message, const std::vector<coordinator::Query>& queries) {
  JobResult result;
  PhaseTimes times(result.report.phases);
  const int rank = transport_.rank(), shard_number = plan_.shard_of(rank);

  transport_.set_phase("open the context");
  shard::EncodingRules rules = setup_.rules;
  const text::Corpus corpus = comm::together(transport_, [&] {
    rules.key_mode = parse_key_mode(message.key_mode);
    return text::Corpus(message.context);
  });
  times.end("open");

  transport_.set_phase("ingest");
  std::unique_ptr<shard::BlockEncoder> encoder;
  std::unique_ptr<shard::ShardService> shard;
  if (shard_number >= 0) {
    encoder = std::make_unique<shard::BlockEncoder>(*networks_.codes, *networks_.keys, *networks_.tokenizer, rules);
    shard =
        std::make_unique<shard::ShardService>(base::ShardId{static_cast<std::uint32_t>(shard_number)}, plan_.shards(),
                                              *encoder, setup_.cache ? &cache_ : nullptr, message.key_mode);
  }
  report_context(corpus, ingest(shard.get(), corpus), result.report);
  times.end("ingest");

  transport_.set_phase("write");
  memory::MemoryRules memory_rules = setup_.memory;
  const std::size_t key_size = shared_key_size(transport_, networks_);
  const auto addresser =
      share_key_memory(transport_, {setup_.m0, setup_.seed}, shard.get(), key_size, networks_.code_size, memory_rules);
  comm::together(transport_, [&] {
    if (shard) shard->write(memory_rules, addresser);
  });
  solve_together(transport_, plan_, shard.get(), memory_rules, networks_.code_size);
  times.end("write");

  coordinator::CoordinatorService coordinator(plan_.shards(), memory_rules, addresser);
  const Roles roles{rank == 0 ? &coordinator : nullptr, shard.get(), networks_.decoder_service.get()};
  std::vector<std::filesystem::path> documents;
  for (const text::Document& document : corpus.documents()) documents.push_back(document.path);
  answer({transport_, plan_, roles, networks_, setup_, documents, key_size, step_}, queries, message.queries, result);
  report_ranks(result.report);
  return result;
}

std::vector<shard::IngestStats> Job::ingest(shard::ShardService* shard, const text::Corpus& corpus) {
  const comm::PatienceScope idle(transport_, kIdlePatience);
  std::optional<base::Progress> progress;
  const bool show = transport_.rank() == 0 && !setup_.quiet;
  if (show && shard != nullptr) progress.emplace("ingest", corpus.blocks().size(), "blocks");
  const shard::IngestStats mine = comm::together(transport_, [&] {
    if (shard == nullptr) {
      if (transport_.rank() == 0) watch_shards(corpus.blocks().size());
      return shard::IngestStats{};
    }
    base::Stopwatch since_report;
    ShardProgress state;
    const auto tell = [&] {
      if (progress) progress->set(state.blocks_done);
      if (transport_.rank() != 0) transport_.post(std::span(&state, 1), 0, kIngestProgress);
      since_report.restart();
    };
    try {
      const shard::IngestStats stats = shard->ingest(corpus, [&](const shard::IngestStats& now) {
        state.blocks_done = now.blocks_done;
        if (since_report.seconds() >= kProgressSeconds) tell();
        if (transport_.try_receive_any<std::uint64_t>(kIngestStop)) throw IngestStopped{};
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
  const auto all = transport_.all_gather_one(mine);
  std::vector<shard::IngestStats> of_shards;
  for (const int rank : plan_.shard_ranks) of_shards.push_back(all[static_cast<std::size_t>(rank)]);
  return of_shards;
}

void Job::watch_shards(std::uint64_t blocks) {
  const comm::PatienceScope watchful(transport_, setup_.patience);
  base::Progress progress("ingest", blocks, "blocks",
                          setup_.quiet ? base::Progress::Mode::kOff : base::Progress::Mode::kAuto);
  std::vector<std::uint64_t> done(static_cast<std::size_t>(plan_.ranks));
  std::vector<int> busy = plan_.shard_ranks;
  bool stopped = false;
  while (!busy.empty()) {
    const auto message = transport_.receive_any<ShardProgress>(kIngestProgress);
    done[static_cast<std::size_t>(message.source)] = message.value.blocks_done;
    if (message.value.finished != 0) std::erase(busy, message.source);
    if (message.value.failed != 0 && !std::exchange(stopped, true)) {
      const std::uint64_t nothing = 0;
      for (const int rank : busy) transport_.post(std::span(&nothing, 1), rank, kIngestStop);
    }
    progress.set(std::accumulate(done.begin(), done.end(), std::uint64_t{0}));
  }
  progress.finish();
}

void Job::answer(const Asking& asking, const std::vector<coordinator::Query>& queries, std::uint64_t count,
                 JobResult& result) {
  try {
    if (!setup_.calibrate.empty()) setup_.scope = calibrate_scope(asking, setup_.calibrate);
    Asked asked = ask_all(asking, queries, count, setup_.scope);
    result.answers = std::move(asked.answers);
    result.report.shards = std::move(asked.shards);
    result.report.phases.push_back({"read_keys", asked.times.keys});
    result.report.phases.push_back({"read", asked.times.read});
    result.report.phases.push_back({"decode", asked.times.decode});
  } catch (const base::CommError&) {
    throw;
  } catch (const comm::AgreedError&) {
    throw;
  } catch (const std::exception& error) {  // in the middle of an exchange: the ranks are out of step
    throw base::CommError(std::string("failed while answering: ") + error.what());
  }
}

void Job::report_ranks(coordinator::RunReport& report) {
  HostName host;
  transport_.host().copy(host.text, sizeof host.text - 1);
  const auto hosts = transport_.all_gather_one(host);
  const auto memory = transport_.all_gather_one(base::peak_memory_bytes());
  const auto pids = transport_.all_gather_one(base::process_id());
  for (int rank = 0; rank < plan_.ranks; ++rank) {
    const auto i = static_cast<std::size_t>(rank);
    report.ranks.push_back({rank, hosts[i].text, plan_.roles_of(rank), pids[i], memory[i]});
  }
}

}  // namespace larimar::launch
