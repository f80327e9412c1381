#include "decoder/language_service.h"

#include <algorithm>

#include "common/base/error.h"

namespace larimar::decoder {
namespace {

constexpr const char* kTurnBegins = "<|im_start|>";
constexpr const char* kTurnEnds = "<|im_end|>";
constexpr const char* kTextEnds = "<|endoftext|>";

/// Before and after what is put into a prompt.
struct Frame {
  std::string_view begin, middle, end;
};
constexpr Frame kExplainChat{"<|im_start|>user\n", "\n\nWrite a question that the text above answers.<|im_end|>\n",
                             "<|im_start|>assistant\n"};
constexpr Frame kExplainPlain{"", "\n\nA question that the text above answers:", " "};
constexpr Frame kAnswerChat{
    "<|im_start|>system\nYou answer questions with a few words from the notes you are "
    "given.<|im_end|>\n<|im_start|>user\nNotes:\n",
    "\nQuestion: ", "<|im_end|>\n<|im_start|>assistant\n"};
constexpr Frame kAnswerPlain{"Notes:\n", "\nQuestion: ", "\nAnswer:"};

bool has(const text::Tokenizer& tokenizer, const char* piece) {
  try {
    static_cast<void>(tokenizer.id_of(piece));
    return true;
  } catch (const base::FormatError&) {
    return false;
  }
}

std::string trimmed(const std::string& text) {
  constexpr const char* kWhite = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kWhite);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kWhite) - begin + 1);
}

}  // namespace

LanguageService::LanguageService(model::LanguageModel& model, const text::Tokenizer& tokenizer)
    : model_(model), tokenizer_(tokenizer), chat_(has(tokenizer, kTurnBegins) && has(tokenizer, kTurnEnds)) {
  if (tokenizer.size() > model.vocabulary()) {
    throw base::FormatError("the language model's tokenizer has " + std::to_string(tokenizer.size()) +
                            " pieces, its config.json says " + std::to_string(model.vocabulary()));
  }
  for (const char* piece : {kTurnEnds, kTextEnds}) {
    if (has(tokenizer, piece)) stop_.push_back(tokenizer.id_of(piece));
  }
}

void LanguageService::frame(Tokens& prompt, std::string_view text) const {
  std::ranges::copy(tokenizer_.encode_marked(text), std::back_inserter(prompt));
}

void LanguageService::foreign(Tokens& prompt, std::string_view text) const {
  std::ranges::copy(tokenizer_.encode(text), std::back_inserter(prompt));
}

std::vector<double> LanguageService::likelihoods(const Passages& passages) {
  const Frame& parts = chat_ ? kExplainChat : kExplainPlain;
  const Tokens question = tokenizer_.encode(passages.question);
  if (question.empty()) return std::vector<double>(passages.texts.size());
  std::vector<Tokens> prompts;
  for (const std::string& text : passages.texts) {
    Tokens& prompt = prompts.emplace_back();
    frame(prompt, parts.begin);
    foreign(prompt, text);
    frame(prompt, parts.middle);
    frame(prompt, parts.end);
  }
  return model_.mean_log_probability(prompts, std::vector<Tokens>(prompts.size(), question));
}

std::string LanguageService::answer(const Passages& passages) {
  if (passages.texts.empty()) return {};
  const Frame& parts = chat_ ? kAnswerChat : kAnswerPlain;
  Tokens prompt;
  frame(prompt, parts.begin);
  for (const std::string& text : passages.texts) {
    frame(prompt, "- ");
    foreign(prompt, text);
    frame(prompt, "\n");
  }
  frame(prompt, parts.middle);
  foreign(prompt, passages.question);
  frame(prompt, parts.end);
  model::GenerationOptions options;
  options.max_new_tokens = kMostAnswerTokens;
  options.stop = stop_;
  return trimmed(tokenizer_.decode(model_.generate({&prompt, 1}, options).front()));
}

}  // namespace larimar::decoder
