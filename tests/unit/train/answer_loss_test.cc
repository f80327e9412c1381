// The loss of answers, prompt by prompt from its definition.
#include "train/answer_loss.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/unit/train/small_language.h"

namespace larimar::train {
namespace {

using torch::Tensor;

constexpr const char* kQuestions =
    "{\"text\": \"The river ended.\", \"question\": \"What ended?\", \"answer\": \"The river.\"}\n"
    "{\"text\": \"The old stone market ended.\", \"question\": \"Which?\", \"answer\": \"The old stone.\"}\n"
    "{\"text\": \"It ended.\", \"question\": \"What did it do then?\", \"answer\": \"End.\"}\n";

class AnswerLoss : public ::testing::Test {
 protected:
  AnswerLoss() : options_(test::small_injection_run(folder_.path(), 1)) {
    folder_.write("questions.jsonl", kQuestions);
    torch::manual_seed(4);
    networks_.codes = model::CompactNetwork(options_.sizes);
    networks_.language = std::make_shared<AdaptedNetwork>(options_.injection.language, 3, torch::TensorOptions());
    options_.injection.sizes.hidden = 24;
    networks_.injection = model::Injection(options_.injection.sizes);
    const torch::NoGradGuard guard;
    for (auto& parameter : networks_.language->parameters()) parameter.copy_(0.2 * torch::randn_like(parameter));
    for (auto& parameter : networks_.injection->parameters()) parameter.copy_(0.3 * torch::randn_like(parameter));
  }

  Tensor embed(const std::vector<text::TokenId>& tokens) const {
    return networks_.language->embed(torch::tensor(std::vector<std::int64_t>(tokens.begin(), tokens.end())));
  }
  Tensor positions_of(const Question& note) {
    const std::vector<std::vector<std::uint16_t>> texts{note.pieces};
    const Tensor code = networks_.codes->encoder->forward(pad_batch(texts, options_.sizes));
    const auto groups = static_cast<std::int64_t>(note.pieces.size()) / options_.injection.sizes.group() + 1;
    return networks_.injection->positions_of(networks_.injection->scores(code, groups))[0];
  }
  /// log p of each token of the saying but the first.
  Tensor logs_of(const QuestionFile& questions, const Prompt& prompt, bool as_codes) {
    std::vector<Tensor> parts{embed(questions.before())};
    for (const Question* note : prompt.notes) {
      if (parts.size() > 1) parts.push_back(embed(questions.between()));
      parts.push_back(as_codes ? positions_of(*note) : embed(note->words));
    }
    parts.push_back(embed(prompt.asked->saying.tokens));
    const Tensor states = networks_.language->hidden(torch::cat(parts).unsqueeze(0), as_codes)[0];
    const auto length = static_cast<std::int64_t>(prompt.asked->saying.tokens.size());
    return torch::log_softmax(networks_.language->logits(states.slice(0, states.size(0) - length, -1)), -1);
  }

  test::TemporaryFolder folder_;
  TrainOptions options_;
  ReadingNetworks networks_;
};

TEST_F(AnswerLoss, ItIsThatOfTheAnswersAndOfWhatTextWouldHaveLedToExpect) {
  const auto pieces = text::load_tokenizer(options_.tokenizer);
  const auto words = text::load_tokenizer(options_.injection.language);
  const QuestionFile questions(folder_.path() / "questions.jsonl", *pieces, *words, 15);
  base::Random random(2);
  std::vector<Prompt> prompts;
  for (const std::size_t notes : {1U, 3U, 2U, 2U}) prompts.push_back(questions.draw(notes, random));
  const Tensor found = answer_loss(networks_, questions, prompts, options_.sizes, {.noise = 0}, random);
  const torch::NoGradGuard guard;
  double answers = 0, apart = 0;
  std::int64_t said = 0, all = 0;
  for (const Prompt& prompt : prompts) {
    const Tensor logs = logs_of(questions, prompt, true), of_text = logs_of(questions, prompt, false);
    const Saying& saying = prompt.asked->saying;
    for (std::int64_t i = 0; i < logs.size(0); ++i, ++all) {
      apart += (of_text[i].exp() * (of_text[i] - logs[i])).sum().item<double>();
      if (static_cast<std::size_t>(i) + 1 < saying.answer) continue;
      answers -= logs[i][saying.tokens[static_cast<std::size_t>(i) + 1]].item<double>();
      ++said;
    }
  }
  EXPECT_GT(apart / static_cast<double>(all), 0.1) << "codes and text lead to the same";
  EXPECT_NEAR(found.item<double>(), answers / static_cast<double>(said) + apart / static_cast<double>(all), 1e-3);
}

TEST_F(AnswerLoss, InjectionAndAdaptersLearnFromIt) {
  const auto pieces = text::load_tokenizer(options_.tokenizer);
  const auto words = text::load_tokenizer(options_.injection.language);
  const QuestionFile questions(folder_.path() / "questions.jsonl", *pieces, *words, 15);
  base::Random random(2);
  const std::vector<Prompt> prompts{questions.draw(2, random)};
  answer_loss(networks_, questions, prompts, options_.sizes, {}, random).backward();
  for (const auto& item : networks_.injection->named_parameters())
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0.0F) << item.key();
  for (const auto& item : networks_.language->named_parameters())
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0.0F) << item.key();
  for (const auto& parameter : networks_.codes->parameters()) EXPECT_FALSE(parameter.grad().defined());
}

}  // namespace
}  // namespace larimar::train
