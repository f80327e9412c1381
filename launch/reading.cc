#include "launch/reading.h"

#include <algorithm>
#include <utility>

#include "common/base/clock.h"
#include "launch/static_keys.h"

namespace larimar::launch {

std::size_t sources_of(const JobSetup& setup) { return setup.rerank ? setup.candidates : setup.reads; }

wire::ReadPlan next_read(const Asking& asking, std::size_t queries) {
  wire::ReadPlan plan;
  plan.queries = queries;
  plan.k = sources_of(asking.setup);
  if (asking.setup.keys == "static") plan.k = std::max(plan.k, asking.setup.shortlist);
  plan.asked = std::max<std::size_t>(plan.k, 2);
  plan.key_size = asking.key_size;
  plan.code_size = asking.networks.code_size;
  coordinator::set_form(plan, asking.setup.memory);
  plan.step = ++asking.step;
  return plan;
}

namespace {

/// The nearest key of each query, before anything is reordered.
std::vector<double> best_scores(const coordinator::BatchRead& read, std::size_t queries) {
  const std::size_t k = read.records.size() / queries;
  std::vector<double> best(queries);
  for (std::size_t q = 0; q < queries; ++q) {
    if (read.records[q * k].status != wire::ReadStatus::kEmpty) best[q] = static_cast<double>(read.scores[q * k]);
  }
  return best;
}

}  // namespace

Next prepare(const Asking& asking, std::span<const coordinator::Query> queries) {
  const base::Stopwatch watch;
  Next next{queries, {}, 0};
  if (asking.roles.coordinator != nullptr) next.keys = read_keys(*asking.networks.keys, queries);
  next.seconds = watch.seconds();
  return next;
}

Reading start_reading(const Asking& asking, const wire::ReadPlan& plan, Next next,
                      const std::function<void()>& meanwhile) {
  Reading reading;
  reading.queries = plan.queries;
  AnsweredBatch& batch = reading.batch;
  batch.queries = next.queries;
  batch.times.keys = next.seconds;
  double beside = 0;
  const base::Stopwatch watch;
  batch.decoded.read = exchange_read(asking.transport, asking.plan, asking.roles, plan, std::move(next.keys), [&] {
    const base::Stopwatch own;
    if (meanwhile) meanwhile();
    beside = own.seconds();
  });
  batch.times.read = watch.seconds() - beside;
  const std::size_t reads = plan.queries * (plan.form == wire::ReadForm::kCodes ? plan.k : 1);
  reading.decoding.emplace(asking.transport, asking.plan, asking.roles, batch.decoded.read.z_read, reads,
                           plan.code_size);
  return reading;
}

void decode_here(Reading& reading) {
  const base::Stopwatch watch;
  reading.decoding->decode();
  reading.batch.times.decode += watch.seconds();
}

AnsweredBatch finish_reading(const Asking& asking, Reading reading) {
  AnsweredBatch batch = std::move(reading.batch);
  base::Stopwatch watch;
  batch.decoded.texts = reading.decoding->finish();
  batch.times.decode += watch.seconds();
  const bool root = asking.roles.coordinator != nullptr;
  if (root && asking.networks.ranker) {
    watch.restart();
    rank_shortlist(*asking.networks.ranker, asking.rules, sources_of(asking.setup), batch);
    batch.times.ranking = watch.seconds();
  }
  if (root) batch.best_score = best_scores(batch.decoded.read, reading.queries);
  return batch;
}

}  // namespace larimar::launch
