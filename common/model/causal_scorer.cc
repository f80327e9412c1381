#include "common/model/causal_scorer.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/error.h"
#include "common/model/in_batches.h"
#include "common/model/minilm_batches.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

constexpr std::size_t kBatchTokens = 4096;
constexpr std::size_t kLeastShared = 16;  // a shorter common beginning is not worth a pass of its own
constexpr std::int64_t kLogitRows = 128;  // a row of logits has the width of the vocabulary

/// A prompt with its continuation.
struct Pair {
  std::size_t index = 0;  // among all pairs
  Tokens tokens;          // both, one after the other
  std::size_t start = 0;  // of the continuation
};

class Scorer {
 public:
  Scorer(CausalNetwork& network, std::span<double> means) : network_(network), means_(means) {}

  /// Pairs that long-rope turns alike.
  void score(const std::vector<Pair>& pairs, bool is_long) {
    const std::size_t shared = find_shared(pairs);
    KvCache prefix = network_.make_cache();
    prefix.reset({0}, static_cast<std::int64_t>(shared));
    if (shared > 0) {
      const at::Tensor tokens = rows_of({&pairs.front()}, 0, shared);
      static_cast<void>(network_.hidden({.tokens = tokens, .addend = {}, .is_long = is_long}, prefix));
    }
    std::vector<std::size_t> lengths;
    for (const Pair& pair : pairs) lengths.push_back(pair.tokens.size() - 1 - shared);
    for (const auto& batch : plan_batches(lengths, kBatchTokens)) {
      std::vector<const Pair*> all;
      for (const std::size_t place : batch) all.push_back(&pairs[place]);
      at_once(static_cast<std::int64_t>(all.size()), "texts to score", [&](std::int64_t first, std::int64_t count) {
        const std::vector<const Pair*> chosen(all.begin() + first, all.begin() + first + count);
        const std::size_t longest = chosen.back()->tokens.size() - 1 - shared;
        KvCache cache = prefix;  // shares the prefix until select() copies it
        cache.reserve(static_cast<std::int64_t>(longest));
        cache.select(std::vector<std::int64_t>(chosen.size(), 0));
        const at::Tensor tokens = rows_of(chosen, shared, shared + longest);
        add_up(chosen, shared, network_.hidden({.tokens = tokens, .addend = {}, .is_long = is_long}, cache));
      });
    }
  }

 private:
  /// Tokens that all prompts begin with; of each at least the last token is left, for it gives the first probability.
  static std::size_t find_shared(const std::vector<Pair>& pairs) {
    if (pairs.size() < 2) return 0;
    std::size_t shared = pairs.front().start - 1;
    for (const Pair& pair : pairs) {
      shared = std::min(shared, pair.start - 1);
      const auto begin = pairs.front().tokens.begin();
      const auto end = begin + static_cast<std::ptrdiff_t>(shared);
      shared = static_cast<std::size_t>(std::mismatch(begin, end, pair.tokens.begin()).first - begin);
    }
    return shared >= kLeastShared ? shared : 0;
  }

  /// Tokens `first` ... `end` - 1 of each pair, without its last one, padded on the right: [pairs, end - first].
  static at::Tensor rows_of(const std::vector<const Pair*>& pairs, std::size_t first, std::size_t end) {
    std::vector<std::int64_t> ids;
    for (const Pair* pair : pairs) {
      for (std::size_t i = first; i < end; ++i) ids.push_back(i + 1 < pair->tokens.size() ? pair->tokens[i] : 0);
    }
    return to_tensor(std::span(std::as_const(ids)))
        .view({static_cast<std::int64_t>(pairs.size()), static_cast<std::int64_t>(end - first)});
  }

  /// states [pairs, columns, hidden] of the columns from `shared` on.
  void add_up(const std::vector<const Pair*>& pairs, std::size_t shared, const at::Tensor& states) {
    for (const Pair* pair : pairs) means_[pair->index] = 0;  // a pass that found no memory may have been here
    std::vector<std::int64_t> places, targets;
    std::vector<const Pair*> owners;
    for (std::size_t row = 0; row < pairs.size(); ++row) {
      for (std::size_t i = pairs[row]->start; i < pairs[row]->tokens.size(); ++i) {
        places.push_back(static_cast<std::int64_t>(row) * states.size(1) + static_cast<std::int64_t>(i - 1 - shared));
        targets.push_back(pairs[row]->tokens[i]);
        owners.push_back(pairs[row]);
      }
    }
    const at::Device device = network_.options().device();
    const at::Tensor chosen =
        at::index_select(states.flatten(0, 1), 0, to_tensor(std::span(std::as_const(places))).to(device));
    const at::Tensor wanted = to_tensor(std::span(std::as_const(targets))).to(device).unsqueeze(1);
    for (std::int64_t first = 0; first < chosen.size(0); first += kLogitRows) {
      const std::int64_t count = std::min(kLogitRows, chosen.size(0) - first);
      const at::Tensor logits = network_.logits(chosen.narrow(0, first, count));
      const at::Tensor logs = (logits.gather(1, wanted.narrow(0, first, count)).squeeze(1) - logits.logsumexp(1)).cpu();
      for (std::int64_t i = 0; i < count; ++i) {
        const Pair& owner = *owners[static_cast<std::size_t>(first + i)];
        means_[owner.index] += static_cast<double>(logs.const_data_ptr<float>()[i]) /
                               static_cast<double>(owner.tokens.size() - owner.start);
      }
    }
  }

  CausalNetwork& network_;
  std::span<double> means_;
};

}  // namespace

std::vector<double> score_continuations(CausalNetwork& network, std::span<const Tokens> prompts,
                                        std::span<const Tokens> continuations) {
  std::vector<double> means(prompts.size(), 0.0);
  std::vector<Pair> usual, beyond;  // the training length of long-rope
  const std::uint64_t limit = network.config().long_after();
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    Pair pair{.index = i, .tokens = prompts[i], .start = prompts[i].size()};
    pair.tokens.insert(pair.tokens.end(), continuations[i].begin(), continuations[i].end());
    (limit > 0 && pair.tokens.size() > limit ? beyond : usual).push_back(std::move(pair));
  }
  Scorer scorer(network, means);
  if (!usual.empty()) scorer.score(usual, false);
  if (!beyond.empty()) scorer.score(beyond, true);
  if (!std::ranges::all_of(means, [](double mean) { return std::isfinite(mean); }))
    throw base::NumericalError("the model gives probabilities that are not finite (are the weights damaged?)");
  return means;
}

}  // namespace larimar::model
