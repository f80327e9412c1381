#include "launch/job.h"

#include <algorithm>
#include <utility>

#include "common/base/clock.h"
#include "common/comm/agree.h"
#include "common/model/runtime.h"
#include "launch/asking.h"
#include "launch/devices.h"
#include "launch/ingesting.h"
#include "launch/report.h"
#include "launch/start_check.h"
#include "launch/write.h"

namespace larimar::launch {
namespace {

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

}  // namespace

Job::Job(comm::Transport& transport, Session& session, const JobSetup& setup)
    : transport_(transport),
      session_(session),
      plan_(session.plan(wire::plan_roles(session.ranks_at_start(), setup.decoders))) {
  transport_.set_patience(setup.patience);
  const comm::PhaseScope phase(transport_, "load models");
  const int rank = transport_.rank();
  comm::together(transport_, [&] {
    setup_ = resolve(setup);
    setup_.cache = setup_.cache || session_.may_lose_ranks();  // what is encoded need not be again
  });
  if (session_.losses() == 0) check_setup(transport_, setup_);
  const NetworkNeeds needs{plan_.shard_of(rank) >= 0, plan_.shard_of(rank) >= 0 || rank == 0,
                           plan_.decoder_of(rank) >= 0, rank == 0};
  const JobSetup placed = on_devices(transport_, setup_, needs);
  comm::together(transport_, [&] {
    model::set_threads(setup_.threads);
    complete_networks(session_.networks, placed, needs);
  });
}

JobResult Job::run(const JobRequest& request) {
  wire::JobMessage message{request.context, request.key_mode, request.queries.size(), false};
  std::string bytes = wire::to_bytes(message);
  transport_.broadcast_string(bytes, 0);
  return run_together(message, request.queries, request.kept);
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
      const comm::IdleScope idle(transport_);
      transport_.broadcast_string(bytes, 0);
    }
    const wire::JobMessage message = wire::job_from_bytes(bytes);
    if (message.stop) return;
    static_cast<void>(run_together(message, {}, nullptr));
  }
}

JobResult Job::run_together(const wire::JobMessage& message, const std::vector<coordinator::Query>& queries,
                            std::vector<coordinator::AnswerRecord>* kept) {
  const Networks& networks = session_.networks;
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
    encoder = std::make_unique<shard::BlockEncoder>(*networks.codes, *networks.keys, *networks.tokenizer, rules);
    shard = std::make_unique<shard::ShardService>(shard::ShardPlace{{static_cast<std::uint32_t>(shard_number)},
                                                                    plan_.shard_map(),
                                                                    encoder->code_size(),
                                                                    encoder->key_size(),
                                                                    setup_.key_store,
                                                                    setup_.key_folder});
  }
  std::optional<shard::Ingesting> how;
  if (encoder) how.emplace(shard::Ingesting{*encoder, setup_.cache ? &session_.blocks : nullptr, message.key_mode});
  report_context(corpus, ingest_together(transport_, plan_, setup_, shard.get(), how ? &*how : nullptr, corpus),
                 result.report);
  times.end("ingest");

  transport_.set_phase("write");
  memory::MemoryRules memory_rules = setup_.memory;
  const std::size_t key_size = shared_key_size(transport_, networks);
  const auto addresser =
      share_key_memory(transport_, {setup_.m0, setup_.seed}, shard.get(), key_size, networks.code_size, memory_rules);
  comm::together(transport_, [&] {
    if (shard) shard->write(memory_rules, addresser);
  });
  solve_together(transport_, plan_, shard.get(), memory_rules, networks.code_size);
  times.end("write");

  coordinator::CoordinatorService coordinator(plan_.shards(), memory_rules, addresser);
  const Roles roles{rank == 0 ? &coordinator : nullptr, shard.get(), networks.decoder_service.get()};
  std::vector<std::filesystem::path> documents;
  for (const text::Document& document : corpus.documents()) documents.push_back(document.path);
  std::vector<coordinator::AnswerRecord>& answers = kept != nullptr ? *kept : result.answers;
  Asked asked = answer_together(
      {transport_, session_, plan_, roles, networks, setup_, rules, documents, key_size, step_, answers}, queries,
      message.queries);
  if (kept != nullptr) result.answers = *kept;
  std::vector<std::uint64_t> blocks(documents.size());
  for (const text::BlockRef& block : corpus.blocks()) ++blocks[block.document];
  report_missing(session_, documents, blocks, result.report);
  result.report.shards = std::move(asked.shards);
  result.report.phases.push_back({"read_keys", asked.times.keys});
  result.report.phases.push_back({"read", asked.times.read});
  result.report.phases.push_back({"decode", asked.times.decode});
  if (asked.times.ranking > 0) result.report.phases.push_back({"ranking", asked.times.ranking});
  if (asked.times.language > 0) result.report.phases.push_back({"language", asked.times.language});
  report_ranks(transport_, plan_, result.report);
  return result;
}

}  // namespace larimar::launch
