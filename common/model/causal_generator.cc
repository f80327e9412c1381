#include "common/model/causal_generator.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <utility>

#include "common/model/in_batches.h"
#include "common/model/minilm_batches.h"
#include "common/model/sampling.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

constexpr std::size_t kBatchColumns = 16384;               // bounds the states of one pass
constexpr std::size_t kBatchBytes = std::size_t{1} << 30;  // bounds keys and values
constexpr std::int64_t kFirstRoom = 256;                   // columns for an answer that may end early

std::int64_t room(std::size_t length, const GenerationOptions& options) {
  return static_cast<std::int64_t>(length) +
         std::min(kFirstRoom, static_cast<std::int64_t>(std::min<std::size_t>(options.max_new_tokens, kFirstRoom)));
}

at::Tensor column(const std::vector<text::TokenId>& tokens, std::size_t first) {
  const std::vector<std::int64_t> ids(tokens.begin() + static_cast<std::ptrdiff_t>(first), tokens.end());
  return to_tensor(std::span(ids)).unsqueeze(0);
}

}  // namespace

PaddedTokens pad_left(std::span<const Tokens* const> rows) {
  std::size_t longest = 0;
  for (const Tokens* row : rows) longest = std::max(longest, row->size());
  std::vector<std::int64_t> ids;
  PaddedTokens padded;
  for (const Tokens* row : rows) {
    padded.padding.push_back(static_cast<std::int64_t>(longest - row->size()));
    ids.resize(ids.size() + longest - row->size());
    ids.insert(ids.end(), row->begin(), row->end());
  }
  padded.tokens = to_tensor(std::span(std::as_const(ids)))
                      .view({static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(longest)});
  return padded;
}

std::vector<std::vector<std::size_t>> plan_generation(std::span<const Tokens> texts, const CausalConfig& config,
                                                      std::size_t max_new_tokens) {
  const auto limit = static_cast<std::size_t>(config.long_after());
  std::map<std::size_t, std::vector<std::size_t>> kinds;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::size_t length = texts[i].size();
    const bool is_short = limit == 0 || length + max_new_tokens <= limit;
    // 0: always the usual frequencies; 1: always the long ones; else rows that change together, so equally long.
    kinds[is_short ? 0 : length > limit ? 1 : 1 + length].push_back(i);
  }
  const auto column_bytes = static_cast<std::size_t>(8 * config.layers * config.kv_heads * config.head_size);
  const std::size_t columns = std::clamp<std::size_t>(kBatchBytes / column_bytes, 1, kBatchColumns);
  std::vector<std::vector<std::size_t>> batches;
  for (const auto& [kind, members] : kinds) {
    std::vector<std::size_t> lengths;
    for (const std::size_t member : members) lengths.push_back(texts[member].size() + max_new_tokens);
    for (auto batch : plan_batches(lengths, columns)) {
      for (std::size_t& place : batch) place = members[place];
      batches.push_back(std::move(batch));
    }
  }
  return batches;
}

void CausalGenerator::choose(Row& row, std::span<const float> logits, const GenerationOptions& options) const {
  // A row that has ended goes along with any token until it is dropped.
  const text::TokenId token =
      row.is_open ? choose_token(logits, options.sampling, row.index, row.answer.size()) : text::TokenId{0};
  row.tokens.push_back(token);
  if (!row.is_open) return;
  row.is_open = std::ranges::count(options.stop, token) == 0;
  if (row.is_open) row.answer.push_back(token);
  row.is_open = row.is_open && row.answer.size() < options.max_new_tokens;
}

at::Tensor CausalGenerator::pass(const at::Tensor& tokens, Batch& batch) {
  return network_.hidden({.tokens = tokens, .addend = batch.addend, .is_long = batch.is_long}, batch.cache);
}

at::Tensor CausalGenerator::feed(Batch& batch) {
  const auto limit = static_cast<std::int64_t>(network_.config().long_after());
  if (limit > 0 && !batch.is_long && batch.cache.columns() + 1 > limit) {
    // Beyond its first training length long-rope turns all positions otherwise, those of the past too.
    batch.is_long = true;
    std::vector<const Tokens*> texts;
    for (const Row& row : batch.rows) texts.push_back(&row.tokens);
    const PaddedTokens all = pad_left(texts);
    batch.cache.reset(all.padding, all.tokens.size(1) + kFirstRoom);
    return pass(all.tokens, batch);
  }
  std::vector<std::int64_t> ids;
  for (const Row& row : batch.rows) ids.push_back(row.tokens.back());
  return pass(to_tensor(std::span(std::as_const(ids))).unsqueeze(1), batch);
}

void CausalGenerator::extend(Batch& batch, at::Tensor states, const GenerationOptions& options,
                             std::span<Tokens> answers) {
  while (true) {
    const at::Tensor logits = network_.logits(states.select(1, states.size(1) - 1)).cpu().contiguous();
    const auto width = static_cast<std::size_t>(logits.size(1));
    std::vector<std::int64_t> open;
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
      Row& row = batch.rows[i];
      choose(row, {logits.const_data_ptr<float>() + i * width, width}, options);
      if (row.is_open) open.push_back(static_cast<std::int64_t>(i));
      answers[row.index] = row.answer;
    }
    if (open.empty()) return;
    // Dropping rows copies the cache: worth it when half of them are done.
    if (open.size() * 2 <= batch.rows.size()) {
      batch.cache.select(open);
      if (batch.addend.defined())
        batch.addend =
            at::index_select(batch.addend, 0, to_tensor(std::span(std::as_const(open))).to(batch.addend.device()));
      std::vector<Row> left;
      for (const std::int64_t place : open) left.push_back(std::move(batch.rows[static_cast<std::size_t>(place)]));
      batch.rows = std::move(left);
    }
    states = feed(batch);
  }
}

Tokens CausalGenerator::run_single(const Tokens& text, const GenerationOptions& options) {
  const std::uint64_t limit = network_.config().long_after();
  const bool is_long = limit > 0 && text.size() > limit;
  std::size_t common = 0;
  if (is_long == kept_is_long_) {
    // The last token is always fed: its state gives the first new one.
    const std::size_t most = std::min(text.size() - 1, kept_tokens_.size());
    while (common < most && text[common] == kept_tokens_[common]) ++common;
  }
  kept_tokens_.clear();  // should the pass fail, nothing is kept
  if (common == 0)
    kept_.reset({0}, room(text.size(), options));
  else
    kept_.truncate(static_cast<std::int64_t>(common));
  Batch batch{.rows = std::vector<Row>(1), .cache = kept_, .addend = {}, .is_long = is_long};
  batch.rows[0].tokens = text;
  Tokens answer;
  extend(batch, pass(column(text, common), batch), options, {&answer, 1});
  kept_tokens_ = std::move(batch.rows[0].tokens);
  kept_tokens_.resize(static_cast<std::size_t>(kept_.columns()));
  kept_is_long_ = batch.is_long;
  return answer;
}

std::vector<Tokens> CausalGenerator::run(std::span<const Tokens> texts, const GenerationOptions& options) {
  std::vector<Tokens> answers(texts.size());
  if (options.max_new_tokens == 0) return answers;
  if (texts.size() == 1) {
    at_once(1, "text to continue", [&](std::int64_t, std::int64_t) { answers[0] = run_single(texts[0], options); });
    return answers;
  }
  const std::uint64_t limit = network_.config().long_after();
  for (const auto& members : plan_generation(texts, network_.config(), options.max_new_tokens)) {
    at_once(
        static_cast<std::int64_t>(members.size()), "texts to continue", [&](std::int64_t first, std::int64_t count) {
          std::vector<Row> rows;
          std::vector<const Tokens*> chosen;
          for (const std::size_t member :
               std::span(members).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count))) {
            rows.push_back({.index = member, .tokens = texts[member], .answer = {}, .is_open = true});
            chosen.push_back(&texts[member]);
          }
          const PaddedTokens padded = pad_left(chosen);
          const auto longest = static_cast<std::size_t>(padded.tokens.size(1));
          KvCache cache = network_.make_cache();
          cache.reset(padded.padding, room(longest, options));
          Batch batch{.rows = std::move(rows), .cache = cache, .addend = {}, .is_long = limit > 0 && longest > limit};
          extend(batch, pass(padded.tokens, batch), options, answers);
        });
  }
  return answers;
}

std::vector<Tokens> CausalGenerator::run_behind(KvCache cache, const at::Tensor& addend, std::span<const Tokens> texts,
                                                const GenerationOptions& options) {
  std::vector<Tokens> answers(texts.size());
  if (options.max_new_tokens == 0 || texts.empty()) return answers;
  Batch batch{.rows = {}, .cache = cache, .addend = addend, .is_long = false};
  std::vector<const Tokens*> rows;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    batch.rows.push_back({.index = i, .tokens = texts[i], .answer = {}, .is_open = true});
    rows.push_back(&texts[i]);
  }
  extend(batch, pass(pad_left(rows).tokens, batch), options, answers);
  return answers;
}

}  // namespace larimar::model
