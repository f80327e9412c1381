#include "common/model/language_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "tests/unit/model/causal_folder.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Tokens = std::vector<text::TokenId>;

std::unique_ptr<LanguageModel> load(const std::string& name) { return load_language_model(model_folder(name), {}); }

/// Tokens that look random, the same every time.
Tokens some_tokens(std::size_t count, std::uint32_t seed) {
  Tokens tokens;
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 1664525U + 1013904223U;
    tokens.push_back(static_cast<text::TokenId>(seed >> 8U) % 199);
  }
  return tokens;
}

TEST(LanguageModel, TellsItsSizes) {
  const auto model = load("mistral");
  EXPECT_EQ(model->architecture(), "mistral");
  EXPECT_EQ(model->vocabulary(), 199);
  EXPECT_EQ(model->positions(), 128U);
}

TEST(LanguageModel, ATextThatBeginsLikeTheLastOneIsAnsweredAsByANewModel) {
  for (const std::string name : {"llama_tied", "mistral", "phi3"}) {
    const auto model = load(name);
    const Tokens story = some_tokens(40, 1);
    std::vector<Tokens> texts{story};                            // nothing to take over
    texts.push_back(story), texts.back().push_back(7);           // behind the prompt another token than was generated
    texts.push_back(Tokens(story.begin(), story.begin() + 20));  // a part of it; another regime for phi3
    texts.push_back(story), texts.back()[15] = 3;                // differs in the middle
    texts.push_back(story);                                      // the very same
    for (const Tokens& text : texts) {
      EXPECT_EQ(model->generate({&text, 1}, {.max_new_tokens = 30}),
                load(name)->generate({&text, 1}, {.max_new_tokens = 30}))
          << name;
    }
  }
}

TEST(LanguageModel, AnAnswerCanBeGoneOnFrom) {
  const auto model = load("llama_sharded");
  const Tokens prompt = some_tokens(11, 5);
  const Tokens whole = model->generate({&prompt, 1}, {.max_new_tokens = 40}).front();
  const Tokens half = model->generate({&prompt, 1}, {.max_new_tokens = 20}).front();
  Tokens longer = prompt;
  longer.insert(longer.end(), half.begin(), half.end());
  const Tokens rest = model->generate({&longer, 1}, {.max_new_tokens = 20}).front();
  EXPECT_EQ(Tokens(whole.begin() + 20, whole.end()), rest);
}

TEST(LanguageModel, AStopTokenEndsItsRowAloneAndIsLeftOut) {
  const auto model = load("gpt2");
  const std::vector<Tokens> prompts{some_tokens(9, 1), some_tokens(4, 2), some_tokens(17, 3), some_tokens(6, 4)};
  const auto whole = model->generate(prompts, {.max_new_tokens = 30});
  const text::TokenId first = whole[0][5], second = whole[2][11];
  const auto stopped = model->generate(prompts, {.max_new_tokens = 30, .stop = {first, second}});
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto end = std::find_if(whole[i].begin(), whole[i].end(),
                                  [&](text::TokenId token) { return token == first || token == second; });
    EXPECT_EQ(stopped[i], Tokens(whole[i].begin(), end)) << i;
  }
  EXPECT_LE(stopped[0].size(), 5U);
}

TEST(LanguageModel, DrawnTokensDependOnSeedAndRowNotOnTheBatch) {
  const auto model = load("llama_tied");
  const GenerationOptions options{.max_new_tokens = 20, .sampling = {.temperature = 1.0, .top_k = 50, .seed = 9}};
  const Tokens prompt = some_tokens(12, 1);
  const std::vector<Tokens> pair{prompt, some_tokens(30, 2)};
  const auto both = model->generate(pair, options);
  EXPECT_EQ(both[0], model->generate({&prompt, 1}, options).front());
  EXPECT_EQ(both, load("llama_tied")->generate(pair, options));
  const std::vector<Tokens> twice{prompt, prompt};
  const auto drawn = model->generate(twice, options);
  EXPECT_EQ(drawn[0], both[0]);
  EXPECT_NE(drawn[0], drawn[1]) << "rows draw for themselves";
  GenerationOptions other = options;
  other.sampling.seed = 10;
  EXPECT_NE(model->generate({&prompt, 1}, other).front(), both[0]);
}

TEST(LanguageModel, NothingToDo) {
  const auto model = load("gpt2");
  EXPECT_TRUE(model->generate({}, {}).empty());
  EXPECT_EQ(model->generate(std::vector<Tokens>{{1}, {2, 3}}, {.max_new_tokens = 0}), (std::vector<Tokens>{{}, {}}));
  EXPECT_TRUE(model->mean_log_probability({}, {}).empty());
}

TEST(LanguageModel, ASharedBeginningOfPromptsDoesNotChangeProbabilities) {
  for (const std::string name : {"llama_tied", "mistral", "phi3"}) {
    const auto model = load(name);
    std::vector<Tokens> prompts, continuations;
    for (std::uint32_t i = 0; i < 5; ++i) {
      prompts.push_back(some_tokens(24, 77));
      const Tokens tail = some_tokens(3 * i, i);
      prompts.back().insert(prompts.back().end(), tail.begin(), tail.end());
      continuations.push_back(some_tokens(1 + 2 * i, 50 + i));
    }
    const auto together = model->mean_log_probability(prompts, continuations);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      const auto alone = model->mean_log_probability({&prompts[i], 1}, {&continuations[i], 1});
      EXPECT_NEAR(together[i], alone.front(), 1e-5) << name << " " << i;
    }
  }
}

TEST(LanguageModel, ProbabilitiesAreThoseOfTheLogits) {
  const auto model = load("gpt2");
  const Tokens prompt = some_tokens(6, 3), continuation = some_tokens(4, 8);
  Tokens whole = prompt;
  whole.insert(whole.end(), continuation.begin(), continuation.end());
  const linalg::Matrix logits = model->logits(whole);
  double mean = 0;
  for (std::size_t i = 0; i < continuation.size(); ++i) {
    const Eigen::RowVectorXd row = logits.row(static_cast<linalg::Index>(prompt.size() + i) - 1).cast<double>();
    const double top = row.maxCoeff();
    mean += (row[continuation[i]] - top - std::log((row.array() - top).exp().sum())) / 4;
  }
  EXPECT_NEAR(model->mean_log_probability({&prompt, 1}, {&continuation, 1}).front(), mean, 1e-5);
}

TEST(LanguageModel, TextsThatCannotBeReadAreRefused) {
  const auto model = load("llama_tied");
  const auto generate = [&](const Tokens& prompt, std::size_t count) {
    static_cast<void>(model->generate({&prompt, 1}, {.max_new_tokens = count}));
  };
  EXPECT_THAT([&] { generate({}, 4); }, ThrowsMessage<base::ShapeError>(HasSubstr("without tokens")));
  EXPECT_THAT(
      [&] {
        generate({5, 199}, 4);
      },
      ThrowsMessage<base::ShapeError>(AllOf(HasSubstr("token 199"), HasSubstr("vocabulary of 199"))));
  EXPECT_THAT([&] { generate({-1}, 4); }, ThrowsMessage<base::ShapeError>(HasSubstr("token -1")));
  EXPECT_THAT([&] { generate(some_tokens(100, 1), 29); },
              ThrowsMessage<base::ShapeError>(HasSubstr("100 tokens with 29 to follow; the model has 128")));
  EXPECT_NO_THROW(generate(some_tokens(100, 1), 28));
  EXPECT_THROW(generate({5}, std::numeric_limits<std::size_t>::max()), base::ShapeError);
  EXPECT_THROW(static_cast<void>(model->logits(some_tokens(129, 1))), base::ShapeError);
  EXPECT_THROW(static_cast<void>(model->logits(Tokens{})), base::ShapeError);
  const std::vector<Tokens> one{{1, 2}}, two{{1}, {2}}, empty{{}}, foreign{{199}};
  EXPECT_THAT([&] { static_cast<void>(model->mean_log_probability(one, two)); },
              ThrowsMessage<base::ShapeError>(HasSubstr("1 prompts and 2 continuations")));
  EXPECT_THROW(static_cast<void>(model->mean_log_probability(one, empty)), base::ShapeError);
  EXPECT_THROW(static_cast<void>(model->mean_log_probability(empty, one)), base::ShapeError);
  EXPECT_THROW(static_cast<void>(model->mean_log_probability(one, foreign)), base::ShapeError);
}

TEST(LanguageModel, OptionsThatContradictAreRefused) {
  const auto model = load("gpt2");
  const std::vector<Tokens> prompt{{1, 2}};
  GenerationOptions options;
  options.beams = 0;
  EXPECT_THROW(static_cast<void>(model->generate(prompt, options)), base::ConfigError);
  options.beams = 2;
  options.sampling.temperature = 1;
  EXPECT_THROW(static_cast<void>(model->generate(prompt, options)), base::ConfigError);
  options = {.sampling = {.temperature = 1, .top_p = 2}};
  EXPECT_THROW(static_cast<void>(model->generate(prompt, options)), base::ConfigError);
}

TEST(LanguageModel, DevicesAndTypesThatAreNotThereAreRefused) {
  const auto refusal = [](const Placement& placement) {
    try {
      static_cast<void>(load_language_model(model_folder("gpt2"), placement));
    } catch (const base::ConfigError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(refusal({.device = "cpu", .dtype = "float16"}), HasSubstr("float16 needs a GPU"));
  EXPECT_THAT(refusal({.device = "cpu", .dtype = "float64"}), HasSubstr("choose float32, bfloat16 or float16"));
  EXPECT_THAT(refusal({.device = "tpu", .dtype = "float32"}), HasSubstr("\"tpu\" is not known"));
  EXPECT_THAT(refusal({.device = "cuda:x", .dtype = "float32"}), HasSubstr("not known"));
  EXPECT_THAT(refusal({.device = "cuda:99", .dtype = "float32"}), HasSubstr("is not there"));
}

TEST(LanguageModel, Bfloat16IsCloseWhereTheProcessorHasIt) {
  std::unique_ptr<LanguageModel> model;
  try {
    model = load_language_model(model_folder("llama_tied"), {.device = "cpu", .dtype = "bfloat16"});
  } catch (const base::ConfigError& error) {
    EXPECT_THAT(std::string(error.what()), HasSubstr("bfloat16"));
    return;
  }
  const Tokens tokens = some_tokens(30, 1);
  const linalg::Matrix exact = load("llama_tied")->logits(tokens);
  const float spread = exact.cwiseAbs().maxCoeff();
  // Seven bits of a product's factors, a few products one after the other.
  EXPECT_LT(largest_difference(model->logits(tokens), exact), 0.1F * spread);
  EXPECT_GT(largest_difference(model->logits(tokens), exact), 0.0F);
}

TEST(LanguageModel, WrongTensorsAreRefusedBeforeAnythingIsRead) {
  CausalFolder folder("phi3");
  folder.erase("model.layers.1.mlp.down_proj.weight");
  folder.save();
  EXPECT_THAT(folder.refusal([&] { static_cast<void>(load_language_model(folder.path(), {})); }),
              HasSubstr("model.layers.1.mlp.down_proj.weight: expected F32, F16 or BF16 [32, 56], missing"));
  // A config that claims 400 GB of weights costs nothing.
  folder.change("num_hidden_layers", 1024);
  folder.change("intermediate_size", 1 << 20);
  EXPECT_THAT(folder.refusal([&] { static_cast<void>(load_language_model(folder.path(), {})); }),
              HasSubstr("model.layers.1023.mlp.gate_up_proj.weight: expected F32, F16 or BF16 [2097152, 32], missing"));
}

TEST(LanguageModel, WeightsThatAreNotFiniteAreNoticed) {
  CausalFolder folder("gpt2");
  std::vector<float> weights(32, std::numeric_limits<float>::quiet_NaN());
  folder.tensor("transformer.ln_f.weight").bytes = std::as_bytes(std::span(weights));
  folder.save();
  const auto model = load_language_model(folder.path(), {});
  const std::vector<Tokens> texts{{1, 2, 3}};
  GenerationOptions options{.max_new_tokens = 4};
  EXPECT_THROW(static_cast<void>(model->generate(texts, options)), base::NumericalError);
  options.beams = 3;
  EXPECT_THROW(static_cast<void>(model->generate(texts, options)), base::NumericalError);
  EXPECT_THROW(static_cast<void>(model->mean_log_probability(texts, texts)), base::NumericalError);
}

}  // namespace
}  // namespace larimar::model
