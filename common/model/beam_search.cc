#include "common/model/beam_search.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/error.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

struct Hypothesis {
  Tokens tokens;    // new ones, a stop token included
  float score = 0;  // of an open one the sum of log probabilities, of an ended one their mean
};

struct Candidate {
  std::size_t parent = 0;
  text::TokenId token = 0;
  float score = 0;
};

class BeamSearch {
 public:
  BeamSearch(CausalNetwork& network, const Tokens& text, const GenerationOptions& options)
      : network_(network), text_(text), options_(options), cache_(network.make_cache()) {
    is_long_ = limit() > 0 && text.size() > limit();
  }

  Tokens run() {
    open_.push_back({});
    at::Tensor states = pass_over_all();
    while (true) {
      const std::vector<Candidate> candidates = rank(states);
      const auto parents = step(candidates);
      if (open_.empty() || !can_improve()) break;
      cache_.select(parents);
      states = feed();
    }
    Tokens best = std::move(ended_.front().tokens);
    if (is_stop(best.back())) best.pop_back();
    return best;
  }

 private:
  [[nodiscard]] std::uint64_t limit() const { return network_.config().long_after(); }
  [[nodiscard]] bool is_stop(text::TokenId token) const { return std::ranges::count(options_.stop, token) != 0; }

  at::Tensor pass_over_all() {
    std::vector<Tokens> texts;
    for (const Hypothesis& beam : open_) {
      texts.push_back(text_);
      texts.back().insert(texts.back().end(), beam.tokens.begin(), beam.tokens.end());
    }
    std::vector<const Tokens*> rows;
    for (const Tokens& row : texts) rows.push_back(&row);
    const PaddedTokens all = pad_left(rows);
    cache_.reset(all.padding, all.tokens.size(1) + 1);
    return network_.hidden({.tokens = all.tokens, .addend = {}, .is_long = is_long_}, cache_);
  }

  at::Tensor feed() {
    if (limit() > 0 && !is_long_ && static_cast<std::uint64_t>(cache_.columns()) + 1 > limit()) {
      is_long_ = true;
      return pass_over_all();
    }
    std::vector<std::int64_t> ids;
    for (const Hypothesis& beam : open_) ids.push_back(beam.tokens.back());
    const at::Tensor tokens = to_tensor(std::span(std::as_const(ids))).unsqueeze(1);
    return network_.hidden({.tokens = tokens, .addend = {}, .is_long = is_long_}, cache_);
  }

  /// The best continuations of all open hypotheses: so many that enough stay open should the best ones end.
  [[nodiscard]] std::vector<Candidate> rank(const at::Tensor& states) const {
    const at::Tensor logits = network_.logits(states.select(1, states.size(1) - 1)).cpu();
    if (!logits.isfinite().all().item<bool>())
      throw base::NumericalError("the model gives logits that are not finite (are the weights damaged?)");
    at::Tensor scores = logits.log_softmax(1);
    std::vector<float> sums;
    for (const Hypothesis& beam : open_) sums.push_back(beam.score);
    scores = scores + at::tensor(at::ArrayRef<float>(sums), at::kFloat).unsqueeze(1);
    const auto wanted = static_cast<std::int64_t>(std::max<std::size_t>(2, 1 + options_.stop.size()) * options_.beams);
    const auto [values, places] = scores.flatten().topk(std::min(wanted, scores.numel()));
    std::vector<Candidate> candidates;
    for (std::int64_t i = 0; i < values.size(0); ++i) {
      const auto place = places[i].item<std::int64_t>();
      candidates.push_back({static_cast<std::size_t>(place / logits.size(1)),
                            static_cast<text::TokenId>(place % logits.size(1)), values[i].item<float>()});
    }
    return candidates;
  }

  /// Candidates become open or ended hypotheses; returns the parents of the open ones.
  std::vector<std::int64_t> step(const std::vector<Candidate>& candidates) {
    const std::vector<Hypothesis> before = std::move(open_);
    open_.clear();
    std::vector<std::int64_t> parents;
    const std::size_t length = before.front().tokens.size() + 1;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const Candidate& candidate = candidates[i];
      Hypothesis next{before[candidate.parent].tokens, candidate.score};
      next.tokens.push_back(candidate.token);
      if (is_stop(candidate.token) || length == options_.max_new_tokens) {
        // Only one among the best may end; those behind are there to keep the search open.
        next.score /= static_cast<float>(length);
        if (i < options_.beams) ended_.push_back(std::move(next));
      } else if (open_.size() < options_.beams) {
        open_.push_back(std::move(next));
        parents.push_back(static_cast<std::int64_t>(candidate.parent));
      }
    }
    std::stable_sort(ended_.begin(), ended_.end(),
                     [](const Hypothesis& a, const Hypothesis& b) { return a.score > b.score; });
    if (ended_.size() > options_.beams) ended_.resize(options_.beams);
    return parents;
  }

  [[nodiscard]] bool can_improve() const {
    if (ended_.size() < options_.beams) return true;
    return open_.front().score / static_cast<float>(open_.front().tokens.size()) > ended_.back().score;
  }

  CausalNetwork& network_;
  const Tokens& text_;
  const GenerationOptions& options_;
  KvCache cache_;
  bool is_long_ = false;
  std::vector<Hypothesis> open_;   // best first
  std::vector<Hypothesis> ended_;  // best first, at most `beams`
};

}  // namespace

Tokens beam_search(CausalNetwork& network, const Tokens& text, const GenerationOptions& options) {
  if (options.max_new_tokens == 0) return {};
  return BeamSearch(network, text, options).run();
}

}  // namespace larimar::model
