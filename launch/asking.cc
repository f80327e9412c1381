#include "launch/asking.h"

#include <algorithm>
#include <cmath>
#include <memory>
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
#include "launch/reading.h"
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

namespace {

/// What a question's answer is made of.
enum class Material { kTexts, kCodes };

/// Questions with what was read for them; a prefix is completed, not answered, and gets nothing. Rank 0.
std::vector<decoder::Passages> passages_of(const AnsweredBatch& batch, Material material) {
  std::vector<decoder::Passages> passages;
  const coordinator::BatchRead& read = batch.decoded.read;
  const std::size_t k = read.records.size() / batch.queries.size();
  for (std::size_t q = 0; q < batch.queries.size(); ++q) {
    decoder::Passages& one = passages.emplace_back(decoder::Passages{batch.queries[q].text, {}});
    if (batch.queries[q].form != coordinator::QueryForm::kQuestion) continue;
    const std::size_t first = q * read.reads;
    std::size_t there = 0;
    while (there < read.reads && read.records[q * k + there].status != wire::ReadStatus::kEmpty) ++there;
    if (material == Material::kCodes) {
      one.codes = read.z_read.middleRows(static_cast<linalg::Index>(first), static_cast<linalg::Index>(there));
    } else {
      const auto texts = std::span(batch.decoded.texts).subspan(first, there);
      one.texts.assign(texts.begin(), texts.end());
    }
  }
  return passages;
}

/// Reorders a batch and words its answers, as far as the setup asks for it. Collective.
void use_language(const Asking& asking, std::size_t queries, AnsweredBatch& batch) {
  const bool root = asking.roles.coordinator != nullptr;
  const LanguageRanks ranks{asking.transport, asking.plan, asking.networks.language_service.get(),
                            asking.networks.code_answers.get()};
  const base::Stopwatch watch;
  if (asking.setup.rerank) {
    const auto passages = root ? passages_of(batch, Material::kTexts) : std::vector<decoder::Passages>{};
    batch.likelihoods = exchange_likelihoods(ranks, passages, queries);
    if (root) {
      coordinator::rerank(batch.decoded, batch.likelihoods, asking.setup.reads, asking.setup.key_weight.value());
    }
  }
  if (asking.setup.reader || asking.setup.code_reader) {
    const Material material = asking.setup.code_reader ? Material::kCodes : Material::kTexts;
    const auto passages = root ? passages_of(batch, material) : std::vector<decoder::Passages>{};
    batch.worded = exchange_answers(ranks, passages, queries);
  }
  batch.times.language = watch.seconds();
}

/// Turns batches that were read into answers, in order.
class Finisher {
 public:
  Finisher(const Asking& asking, std::uint64_t count, double scope)
      : asking_(asking), scope_(scope), slow_(is_slow(asking.setup)) {
    if (is_root() && slow_ && !asking.setup.quiet) progress_.emplace("answer", count, "questions");
  }

  /// Collective.
  void finish(Reading reading) {
    const std::size_t queries = reading.queries;
    AnsweredBatch batch = finish_reading(asking_, std::move(reading));
    if (slow_) use_language(asking_, queries, batch);
    asking_.session.note_result();
    LARIMAR_FAILPOINT("launch.answers.batch");
    if (!is_root()) return;
    const std::size_t first = asking_.answers.size();
    append_answers(batch, asking_.documents, scope_, asking_.answers);
    for (std::size_t i = first; i < asking_.answers.size(); ++i)
      asking_.answers[i].missing_virtual_shards = asking_.session.missing().size();
    const coordinator::Participation& part = batch.decoded.read.participation;
    asked_.shards = {part.contributing, part.degraded, part.failed};
    asked_.times += batch.times;
    if (progress_) progress_->advance(queries);
  }

  Asked take() {
    if (progress_) progress_->finish();
    return std::move(asked_);
  }

 private:
  [[nodiscard]] bool is_root() const { return asking_.roles.coordinator != nullptr; }

  const Asking& asking_;
  double scope_;
  bool slow_;
  std::optional<base::Progress> progress_;
  Asked asked_;
};

}  // namespace

Asked ask_all(const Asking& asking, std::span<const coordinator::Query> queries, std::uint64_t count, double scope) {
  asking.transport.set_phase("ask");
  const bool root = asking.roles.coordinator != nullptr;
  Finisher answers(asking, count, scope);
  std::uint64_t at = asking.answers.size();
  if (asking.session.losses() > 0) asking.transport.broadcast(std::span(&at, 1), 0);
  const auto size_at = [&](std::uint64_t from) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(asking.setup.batch, count - from));
  };
  const auto next_at = [&](std::uint64_t from) {
    return prepare(asking, root ? queries.subspan(from, size_at(from)) : std::span<const coordinator::Query>{});
  };
  // While the shards scan for one batch, the decoders decode the one before and rank 0 makes the keys of the one after.
  std::unique_ptr<Reading> before;
  Next next = at < count ? next_at(at) : Next{};
  while (at < count) {
    const wire::ReadPlan plan = next_read(asking, size_at(at));
    at += plan.queries;
    Next after;
    Reading reading = start_reading(asking, plan, std::move(next), [&] {
      if (at < count) after = next_at(at);
      if (before) decode_here(*before);
    });
    if (before) answers.finish(std::move(*before));
    before = std::make_unique<Reading>(std::move(reading));
    next = std::move(after);
  }
  if (before) answers.finish(std::move(*before));
  return answers.take();
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
      const wire::ReadPlan plan = next_read(asking, size);
      const AnsweredBatch batch =
          finish_reading(asking, start_reading(asking, plan, prepare(asking, root ? all.subspan(at, size) : all)));
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
