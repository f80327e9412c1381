#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/model/beam_search.h"
#include "common/model/causal_generator.h"
#include "common/model/causal_network.h"
#include "common/model/causal_scorer.h"
#include "common/model/language_model.h"
#include "common/model/placement.h"
#include "common/model/sampling.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

constexpr std::int64_t kLogitRows = 256;

class CausalLanguageModel final : public LanguageModel {
 public:
  CausalLanguageModel(const std::filesystem::path& folder, const CausalConfig& config, const at::TensorOptions& options)
      : network_(std::make_shared<const Checkpoint>(folder), config, "", options), generator_(network_) {}

  [[nodiscard]] std::string architecture() const override { return network_.config().architecture; }
  [[nodiscard]] std::int64_t vocabulary() const override {
    return static_cast<std::int64_t>(network_.config().vocabulary);
  }
  [[nodiscard]] std::size_t positions() const override { return static_cast<std::size_t>(network_.config().positions); }

  [[nodiscard]] std::vector<Tokens> generate(std::span<const Tokens> prompts,
                                             const GenerationOptions& options) override {
    check_sampling(options.sampling);
    if (options.beams == 0) throw base::ConfigError("beams must be at least 1");
    if (options.beams > 1 && options.sampling.temperature > 0)
      throw base::ConfigError("beam search needs temperature 0: it does not draw");
    for (const Tokens& prompt : prompts) check(prompt, options.max_new_tokens);
    const c10::InferenceMode inference;
    if (options.beams == 1) return generator_.run(prompts, options);
    std::vector<Tokens> answers;
    for (const Tokens& prompt : prompts) answers.push_back(beam_search(network_, prompt, options));
    return answers;
  }

  [[nodiscard]] std::vector<double> mean_log_probability(std::span<const Tokens> prompts,
                                                         std::span<const Tokens> continuations) override {
    if (prompts.size() != continuations.size()) {
      throw base::ShapeError(std::to_string(prompts.size()) + " prompts and " + std::to_string(continuations.size()) +
                             " continuations; there must be as many of both");
    }
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      check(prompts[i], continuations[i].size());
      check(continuations[i], 0);
    }
    const c10::InferenceMode inference;
    return score_continuations(network_, prompts, continuations);
  }

  [[nodiscard]] linalg::Matrix logits(std::span<const text::TokenId> tokens) override {
    check(tokens, 0);
    const c10::InferenceMode inference;
    const std::vector<std::int64_t> ids(tokens.begin(), tokens.end());
    const std::uint64_t limit = network_.config().long_after();
    KvCache cache = network_.make_cache();
    cache.reset({0}, static_cast<std::int64_t>(ids.size()));
    const at::Tensor states = network_
                                  .hidden({.tokens = to_tensor(std::span(ids)).unsqueeze(0),
                                           .addend = {},
                                           .is_long = limit > 0 && ids.size() > limit},
                                          cache)
                                  .squeeze(0);
    linalg::Matrix all(states.size(0), vocabulary());
    for (std::int64_t first = 0; first < states.size(0); first += kLogitRows) {
      const std::int64_t count = std::min(kLogitRows, states.size(0) - first);
      all.middleRows(first, count) = to_matrix(network_.logits(states.narrow(0, first, count)));
    }
    return all;
  }

 private:
  void check(std::span<const text::TokenId> tokens, std::size_t more) const {
    if (tokens.empty()) throw base::ShapeError("a text without tokens was given; a model needs at least one");
    if (tokens.size() > positions() || more > positions() - tokens.size()) {
      throw base::ShapeError("a text of " + std::to_string(tokens.size()) + " tokens with " + std::to_string(more) +
                             " to follow; the model has " + std::to_string(positions()) + " positions");
    }
    for (const text::TokenId token : tokens) {
      if (token < 0 || token >= vocabulary()) {
        throw base::ShapeError("token " + std::to_string(token) + " is outside the model's vocabulary of " +
                               std::to_string(vocabulary()));
      }
    }
  }

  CausalNetwork network_;
  CausalGenerator generator_;
};

}  // namespace

std::unique_ptr<LanguageModel> load_language_model(const std::filesystem::path& folder, const Placement& placement) {
  const CausalConfig config = read_causal_config(folder);
  return std::make_unique<CausalLanguageModel>(folder, config, tensor_options(placement));
}

}  // namespace larimar::model
