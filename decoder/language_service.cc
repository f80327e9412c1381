#include "decoder/language_service.h"

#include <algorithm>

#include "common/base/error.h"

namespace larimar::decoder {
namespace {

using text::PromptFrame;
constexpr PromptFrame kExplainChat{
    "<|im_start|>user\n", "\n\nWrite a question that the text above answers.<|im_end|>\n", "<|im_start|>assistant\n"};
constexpr PromptFrame kExplainPlain{"", "\n\nA question that the text above answers:", " "};

}  // namespace

LanguageService::LanguageService(model::LanguageModel& model, const text::Tokenizer& tokenizer)
    : model_(model), tokenizer_(tokenizer), prompts_(tokenizer) {
  if (tokenizer.size() > model.vocabulary()) {
    throw base::FormatError("the language model's tokenizer has " + std::to_string(tokenizer.size()) +
                            " pieces, its config.json says " + std::to_string(model.vocabulary()));
  }
}

std::vector<double> LanguageService::likelihoods(const Passages& passages) {
  const PromptFrame& parts = prompts_.is_chat() ? kExplainChat : kExplainPlain;
  const Tokens question = tokenizer_.encode(passages.question);
  if (question.empty()) return std::vector<double>(passages.texts.size());
  std::vector<Tokens> prompts;
  for (const std::string& text : passages.texts) {
    Tokens& prompt = prompts.emplace_back(prompts_.opening());
    prompts_.add_frame(prompt, parts.begin);
    prompts_.add_foreign(prompt, text);
    prompts_.add_frame(prompt, parts.middle);
    prompts_.add_frame(prompt, parts.end);
  }
  return model_.mean_log_probability(prompts, std::vector<Tokens>(prompts.size(), question));
}

std::string LanguageService::answer(const Passages& passages) {
  if (passages.texts.empty()) return {};
  const PromptFrame& parts = prompts_.is_chat() ? text::kAnswerChat : text::kAnswerPlain;
  Tokens prompt = prompts_.opening();
  prompts_.add_frame(prompt, parts.begin);
  for (const std::string& text : passages.texts) {
    prompts_.add_frame(prompt, "- ");
    prompts_.add_foreign(prompt, text);
    prompts_.add_frame(prompt, "\n");
  }
  prompts_.add_frame(prompt, parts.middle);
  prompts_.add_foreign(prompt, passages.question);
  prompts_.add_frame(prompt, parts.end);
  model::GenerationOptions options;
  options.max_new_tokens = text::kMostAnswerTokens;
  options.stop = prompts_.stops();
  return text::trim_white_space(tokenizer_.decode(model_.generate({&prompt, 1}, options).front()));
}

}  // namespace larimar::decoder
