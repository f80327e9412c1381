#pragma once
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/language_model.h"
#include "common/text/prompts.h"
#include "common/text/tokenizer.h"

namespace larimar::decoder {

/// A question and what was read for it, best first: texts that were decoded, or the codes themselves.
struct Passages {
  std::string question;
  std::vector<std::string> texts;
  linalg::Matrix codes = {};  // [reads, C]; empty where texts are given
};

/// What a language model adds to decoded texts: their order, and an answer in words. Model and tokenizer are borrowed; with a
/// tokenizer that knows <|im_start|> prompts are written as turns of a chat, otherwise as plain text. Special tokens that
/// stand in a question or a text are taken as ordinary text. Calls are local.
class LanguageService {
 public:
  LanguageService(model::LanguageModel& model, const text::Tokenizer& tokenizer);

  /// Mean over the question's tokens of log p(token | text, tokens before), for each text: how well the text explains
  /// the question. The read weights that the paper takes from key distances, taken from the decoder's own likelihood.
  /// Cost  one pass over texts and questions, batched.
  [[nodiscard]] std::vector<double> likelihoods(const Passages& passages);

  /// A short answer to the question out of the texts, greedy, at most text::kMostAnswerTokens. Empty without texts.
  [[nodiscard]] std::string answer(const Passages& passages);

 private:
  using Tokens = std::vector<text::TokenId>;

  model::LanguageModel& model_;
  const text::Tokenizer& tokenizer_;
  text::PromptWriter prompts_;
};

}  // namespace larimar::decoder
