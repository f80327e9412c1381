// Every family must compute what Hugging Face transformers computes; golden files by tools/make_causal_golden.py.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "common/model/causal_generator.h"
#include "common/model/causal_network.h"
#include "common/model/language_model.h"
#include "common/model/placement.h"
#include "common/model/torch_bridge.h"
#include "tests/unit/model/causal_golden.h"

namespace larimar::model {
namespace {

constexpr float kTolerance = 1e-4F;

class CausalReference : public ::testing::TestWithParam<std::string> {
 protected:
  [[nodiscard]] CausalNetwork network() const {
    const auto folder = model_folder(GetParam());
    return {std::make_shared<const Checkpoint>(folder), read_causal_config(folder), "", tensor_options({})};
  }
  [[nodiscard]] std::unique_ptr<LanguageModel> model() const {
    return load_language_model(model_folder(GetParam()), {});
  }
  [[nodiscard]] std::vector<Tokens> prompts() const { return golden_.rows("prompts", "lengths", true); }

  Golden golden_{GetParam()};
};

bool is_long(const CausalNetwork& network, std::size_t length) {
  return network.config().long_after() > 0 && length > network.config().long_after();
}

/// Last hidden states of one text that goes in by pieces of the given sizes, the last one as often as needed.
linalg::Matrix hidden_by_pieces(CausalNetwork& network, const Tokens& tokens, std::vector<std::int64_t> pieces) {
  const c10::InferenceMode inference;
  KvCache cache = network.make_cache();
  cache.reset({0}, 1);
  const Tokens* const row = &tokens;
  const at::Tensor all = pad_left({&row, 1}).tokens;
  std::vector<at::Tensor> states;
  for (std::int64_t first = 0, i = 0; first < all.size(1); ++i) {
    const std::int64_t piece = pieces[std::min<std::size_t>(static_cast<std::size_t>(i), pieces.size() - 1)];
    const std::int64_t count = std::min(piece, all.size(1) - first);
    states.push_back(network.hidden(
        {.tokens = all.narrow(1, first, count), .addend = {}, .is_long = is_long(network, tokens.size())}, cache));
    first += count;
  }
  return to_matrix(at::cat(states, 1).squeeze(0));
}

TEST_P(CausalReference, LogitsAndHiddenStatesOfAWholeText) {
  const auto tokens = golden_.tokens("tokens");
  auto net = network();
  const float hidden = largest_difference(hidden_by_pieces(net, tokens, {1000}), golden_.matrix("hidden"));
  const float logits = largest_difference(model()->logits(tokens), golden_.matrix("logits"));
  std::printf("%s: largest difference of hidden states %.2g, of logits %.2g\n", GetParam().c_str(),
              static_cast<double>(hidden), static_cast<double>(logits));
  EXPECT_LE(hidden, kTolerance);
  EXPECT_LE(logits, kTolerance);
}

TEST_P(CausalReference, ATextWithinTheFirstTrainingLength) {
  if (!golden_.has("short_logits")) return;  // only long-rope has two regimes
  const auto all = golden_.tokens("tokens");
  const Tokens tokens(all.begin(), all.begin() + 24);
  auto net = network();
  EXPECT_LE(largest_difference(hidden_by_pieces(net, tokens, {1000}), golden_.matrix("short_hidden")), kTolerance);
  EXPECT_LE(largest_difference(model()->logits(tokens), golden_.matrix("short_logits")), kTolerance);
}

TEST_P(CausalReference, TheCacheChangesNothing) {
  const auto tokens = golden_.tokens("tokens");
  auto net = network();
  const linalg::Matrix expected = golden_.matrix("hidden");
  EXPECT_LE(largest_difference(hidden_by_pieces(net, tokens, {1}), expected), kTolerance);
  EXPECT_LE(largest_difference(hidden_by_pieces(net, tokens, {7, 1, 13, 5}), expected), kTolerance);
}

TEST_P(CausalReference, ABatchPaddedOnTheLeft) {
  const c10::InferenceMode inference;
  auto net = network();
  const auto texts = prompts();
  std::vector<const Tokens*> rows;
  for (const Tokens& text : texts) rows.push_back(&text);
  const PaddedTokens padded = pad_left(rows);
  KvCache cache = net.make_cache();
  cache.reset(padded.padding, 1);
  const bool beyond = is_long(net, static_cast<std::size_t>(padded.tokens.size(1)));
  const at::Tensor states = net.hidden({.tokens = padded.tokens, .addend = {}, .is_long = beyond}, cache);
  EXPECT_LE(largest_difference(to_matrix(net.logits(states.select(1, -1))), golden_.matrix("batch_logits")),
            kTolerance);
}

TEST_P(CausalReference, GreedyAnswersAloneAndInABatch) {
  const auto lm = model();
  const auto expected = golden_.rows("greedy", "");
  const auto texts = prompts();
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(lm->generate({&texts[i], 1}, {.max_new_tokens = 64}).front(), expected[i]) << "text " << i;
  EXPECT_EQ(lm->generate(texts, {.max_new_tokens = 64}), expected);
}

TEST_P(CausalReference, BeamSearch) {
  GenerationOptions options{.max_new_tokens = 24, .stop = golden_.tokens("stop")};
  options.beams = 4;
  EXPECT_EQ(model()->generate(prompts(), options), golden_.rows("beam", "beam_lengths"));
}

TEST_P(CausalReference, MeanLogProbabilities) {
  std::vector<Tokens> continuations = golden_.rows("greedy", "");
  for (Tokens& tokens : continuations) tokens.resize(7);
  const auto scores = model()->mean_log_probability(prompts(), continuations);
  const SafetensorsFile file(model_folder(GetParam()) / "golden.safetensors");
  std::vector<float> expected(scores.size());
  std::memcpy(expected.data(), file.at("scores").bytes.data(), expected.size() * sizeof(float));
  for (std::size_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(scores[i], static_cast<double>(expected[i]), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Families, CausalReference,
                         ::testing::Values("gpt2", "llama_tied", "llama_sharded", "mistral", "phi3", "phi3_window"),
                         [](const auto& entry) { return entry.param; });

}  // namespace
}  // namespace larimar::model
