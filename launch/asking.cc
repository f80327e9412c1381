#include "launch/asking.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/file.h"
#include "common/base/progress.h"
#include "common/comm/agree.h"
#include "common/text/sentences.h"
#include "common/text/unicode.h"
#include "launch/language.h"
#include "launch/static_keys.h"

namespace larimar::launch {
namespace {

constexpr double kSameScore = 1e-5;   // a key may differ in its last bits with the batch that it is encoded in
constexpr double kBelowScope = 0.95;  // share of unseen sentences that a calibrated threshold calls out of scope
constexpr std::size_t kMostUnseen = 512;
constexpr std::size_t kMostUnseenRanked = 128;  // with static keys, where each one costs half a second
constexpr std::size_t kFewestUnseen = 20;
constexpr std::size_t kLeastUnseenBytes = 20;  // headings and the like are no sentences

std::vector<std::string> unseen_sentences(const std::filesystem::path& path, std::size_t most) {
  const base::MappedFile file(path);
  const std::string text = text::repair_utf8(file.text()).text;
  std::vector<std::string> all;
  for (const text::Span& span : text::find_sentences(text)) {
    if (span.end - span.begin >= kLeastUnseenBytes) all.push_back(text.substr(span.begin, span.end - span.begin));
  }
  if (all.size() < kFewestUnseen) {
    throw base::FormatError(path.string() + " has " + std::to_string(all.size()) +
                            " sentences; a threshold needs at least " + std::to_string(kFewestUnseen) +
                            " that the memory has not seen");
  }
  const std::size_t count = std::min(most, all.size());
  std::vector<std::string> drawn;
  for (std::size_t i = 0; i < count; ++i) drawn.push_back(std::move(all[i * all.size() / count]));
  return drawn;
}

}  // namespace

std::size_t shared_key_size(comm::Transport& transport, const Networks& networks) {
  const std::uint64_t mine = networks.keys ? static_cast<std::uint64_t>(networks.keys->key_size()) : 0;
  return static_cast<std::size_t>(std::ranges::max(transport.all_gather_one(mine)));
}

/// Sources of a query that its answer is made of, or a language model orders.
std::size_t sources_of(const JobSetup& setup) { return setup.rerank ? setup.candidates : setup.reads; }

wire::ReadPlan next_read(const Asking& asking, std::size_t queries) {
  wire::ReadPlan plan;
  plan.queries = queries;
  plan.k = sources_of(asking.setup);
  if (asking.setup.keys == "static") plan.k = std::max(plan.k, kShortlist);
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

/// Questions with their texts; a prefix is completed, not answered, and gets none. Rank 0.
std::vector<decoder::Passages> passages_of(const AnsweredBatch& batch) {
  std::vector<decoder::Passages> passages;
  const coordinator::BatchRead& read = batch.decoded.read;
  const std::size_t k = read.records.size() / batch.queries.size();
  for (std::size_t q = 0; q < batch.queries.size(); ++q) {
    decoder::Passages& one = passages.emplace_back(decoder::Passages{batch.queries[q].text, {}});
    if (batch.queries[q].form != coordinator::QueryForm::kQuestion) continue;
    for (std::size_t i = 0; i < read.reads && read.records[q * k + i].status != wire::ReadStatus::kEmpty; ++i)
      one.texts.push_back(batch.decoded.texts[q * read.reads + i]);
  }
  return passages;
}

/// Reorders a batch and words its answers, as far as the setup asks for it. Collective.
void use_language(const Asking& asking, std::size_t queries, AnsweredBatch& batch) {
  const bool root = asking.roles.coordinator != nullptr;
  const LanguageRanks ranks{asking.transport, asking.plan, asking.networks.language_service.get()};
  const base::Stopwatch watch;
  if (asking.setup.rerank) {
    const auto passages = root ? passages_of(batch) : std::vector<decoder::Passages>{};
    batch.likelihoods = exchange_likelihoods(ranks, passages, queries);
    if (root) {
      coordinator::rerank(batch.decoded, batch.likelihoods, asking.setup.reads, asking.setup.key_weight.value());
    }
  }
  if (asking.setup.reader) {
    const auto passages = root ? passages_of(batch) : std::vector<decoder::Passages>{};
    batch.worded = exchange_answers(ranks, passages, queries);
  }
  batch.times.language = watch.seconds();
}

/// Keys, read, decode. Collective.
AnsweredBatch read_batch(const Asking& asking, const wire::ReadPlan& plan,
                         std::span<const coordinator::Query> queries) {
  const bool root = asking.roles.coordinator != nullptr;
  AnsweredBatch batch;
  batch.queries = queries;
  base::Stopwatch watch;
  linalg::Matrix keys = root ? read_keys(*asking.networks.keys, queries) : linalg::Matrix();
  batch.times.keys = watch.seconds();
  watch.restart();
  batch.decoded.read = exchange_read(asking.transport, asking.plan, asking.roles, plan, std::move(keys));
  batch.times.read = watch.seconds();
  watch.restart();
  const std::size_t reads = plan.queries * (plan.form == wire::ReadForm::kCodes ? plan.k : 1);
  batch.decoded.texts =
      exchange_decode(asking.transport, asking.plan, asking.roles, batch.decoded.read.z_read, reads, plan.code_size);
  batch.times.decode = watch.seconds();
  if (root && asking.networks.ranker) {
    watch.restart();
    rank_shortlist(*asking.networks.ranker, asking.rules, sources_of(asking.setup), batch);
    batch.times.ranking = watch.seconds();
  }
  if (root) batch.best_score = best_scores(batch.decoded.read, plan.queries);
  return batch;
}

}  // namespace

Asked ask_all(const Asking& asking, std::span<const coordinator::Query> queries, std::uint64_t count, double scope) {
  asking.transport.set_phase("ask");
  Asked asked;
  const bool root = asking.roles.coordinator != nullptr;
  const bool slow = needs_language(asking.setup);
  std::optional<base::Progress> progress;
  if (root && slow && !asking.setup.quiet) progress.emplace("answer", count, "questions");
  std::uint64_t at = asking.answers.size();
  if (asking.session.losses() > 0) asking.transport.broadcast(std::span(&at, 1), 0);
  for (; at < count; at += asking.setup.batch) {
    const wire::ReadPlan plan =
        next_read(asking, static_cast<std::size_t>(std::min<std::uint64_t>(asking.setup.batch, count - at)));
    AnsweredBatch batch =
        read_batch(asking, plan, root ? queries.subspan(at, plan.queries) : std::span<const coordinator::Query>{});
    if (slow) use_language(asking, plan.queries, batch);
    asking.session.note_result();
    LARIMAR_FAILPOINT("launch.answers.batch");
    if (!root) continue;
    append_answers(batch, asking.documents, scope, asking.answers);
    for (std::size_t i = at; i < asking.answers.size(); ++i)
      asking.answers[i].missing_virtual_shards = asking.session.missing().size();
    const coordinator::Participation& part = batch.decoded.read.participation;
    asked.shards = {part.contributing, part.degraded, part.failed};
    asked.times += batch.times;
    if (progress) progress->advance(plan.queries);
  }
  if (progress) progress->finish();
  return asked;
}

namespace {

/// The scores that queries made of unseen sentences get, on rank 0. Collective.
std::vector<double> unseen_scores(const Asking& asking, const std::vector<std::string>& sentences,
                                  std::uint64_t count) {
  std::vector<double> best;
  const bool root = asking.roles.coordinator != nullptr;
  if (asking.setup.keys == "static") {  // as answers are scored: by MiniLM, from the decoded texts
    std::vector<coordinator::Query> queries;
    for (const std::string& sentence : sentences) queries.push_back({.text = sentence});
    for (std::uint64_t at = 0; at < count; at += asking.setup.batch) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(asking.setup.batch, count - at));
      const std::span<const coordinator::Query> all = queries;
      const AnsweredBatch batch = read_batch(asking, next_read(asking, size), root ? all.subspan(at, size) : all);
      best.insert(best.end(), batch.best_score.begin(), batch.best_score.end());
    }
    return best;
  }
  linalg::Matrix keys = root ? asking.networks.keys->encode(sentences) : linalg::Matrix();
  const wire::ReadPlan plan = next_read(asking, static_cast<std::size_t>(count));
  const coordinator::BatchRead read = exchange_read(asking.transport, asking.plan, asking.roles, plan, std::move(keys));
  for (std::size_t q = 0; root && q < plan.queries; ++q) best.push_back(static_cast<double>(read.scores[q * plan.k]));
  return best;
}

}  // namespace

double calibrate_scope(const Asking& asking, const std::filesystem::path& unseen) {
  const comm::PhaseScope phase(asking.transport, "calibrate the scope");
  const bool root = asking.roles.coordinator != nullptr;
  const std::size_t most = asking.setup.keys == "static" ? kMostUnseenRanked : kMostUnseen;
  const std::vector<std::string> sentences = comm::together(
      asking.transport, [&] { return root ? unseen_sentences(unseen, most) : std::vector<std::string>{}; });
  std::uint64_t count = sentences.size();
  asking.transport.broadcast(std::span(&count, 1), 0);
  std::vector<double> best = unseen_scores(asking, sentences, count);
  double threshold = 0;
  if (root) {
    std::ranges::sort(best);
    const auto place = static_cast<std::size_t>(std::ceil(kBelowScope * static_cast<double>(best.size())));
    // Above the last one that must stay below; an empty memory answers nothing whatever the threshold.
    threshold = std::isfinite(best.back()) ? best[std::min(place, best.size()) - 1] + kSameScore : 1.0;
  }
  asking.transport.broadcast(std::span(&threshold, 1), 0);
  return threshold;
}

Asked answer_together(const Asking& asking, std::span<const coordinator::Query> queries, std::uint64_t count) {
  try {
    if (!asking.setup.calibrate.empty()) asking.setup.scope = calibrate_scope(asking, asking.setup.calibrate);
    return ask_all(asking, queries, count, asking.setup.scope.value());
  } catch (const base::CommError&) {
    throw;
  } catch (const comm::AgreedError&) {
    throw;
  } catch (const std::exception& error) {
    throw base::CommError(std::string("failed while answering: ") + error.what());
  }
}

}  // namespace larimar::launch
