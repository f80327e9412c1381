#pragma once
// A language model that reads the whole context, or as much of it as its window holds.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/model/language_model.h"
#include "common/text/prompts.h"
#include "common/text/tokenizer.h"
#include "eval/baseline/document_cache.h"
#include "eval/trial.h"

namespace larimar::eval::baseline {

/// Tokens of a window where none is asked for: what a CPU can read in a minute.
inline constexpr std::size_t kUsualWindow = 8192;

/// `asked`, or, where that is 0, the model's positions, at most kUsualWindow.
/// Throws ConfigError if the model has fewer positions than asked, or a window has no room beside an answer.
[[nodiscard]] std::size_t choose_window(std::size_t asked, std::size_t positions);

/// Tokens for a text of at most `room`: all of them, or the first and the last halves of equal length (the first has the
/// odd token), what lies between cut out. Local.
[[nodiscard]] std::vector<text::TokenId> cut_middle(const std::vector<text::TokenId>& tokens, std::size_t room);

/// The system under test of `--system full-context`: prompt [opening][context][question], answer greedy and at most
/// text::kMostAnswerTokens long; both together fill at most the window. The context's tokens are those of its documents, one
/// after another, between them those of an empty line; they are made once for a file (DocumentCache).
/// A prefix is completed after context and empty line; a question is asked in text::kContextChat where the tokenizer has
/// turns of a chat, else in text::kContextPlain. Model and tokenizer are borrowed. Not shared between threads; local.
class FullContext {
 public:
  /// Throws as choose_window; FormatError for a tokenizer with more pieces than the model.
  FullContext(model::LanguageModel& model, const text::Tokenizer& tokenizer, std::size_t window);

  /// Answers with usage, without citations. Prompts go one by one and begin with the context, so that the model takes over
  /// what it computed for the one before as far as both are equal. A prompt that was there before, word for word, is not
  /// computed again: beyond the window that is so wherever the needle lies in what was cut out.
  /// Throws ConfigError for a question that leaves no room for any context, MissingInputError for a document.
  [[nodiscard]] std::vector<Answer> ask(const Trial& trial);

  [[nodiscard]] std::size_t window() const { return window_; }
  [[nodiscard]] std::size_t documents_encoded() const { return documents_.made(); }

 private:
  using Tokens = std::vector<text::TokenId>;
  /// What stands before and after the context.
  struct Surround {
    Tokens before, after;
  };
  Tokens context_of(const Trial& trial);
  [[nodiscard]] Surround surround(const Query& query) const;
  Answer answer(const Query& query, const Tokens& context);

  model::LanguageModel& model_;
  const text::Tokenizer& tokenizer_;
  text::PromptWriter prompts_;
  std::size_t window_ = 0;
  DocumentCache<Tokens> documents_;
  std::map<Tokens, Tokens> given_;  // answers by prompt
};

}  // namespace larimar::eval::baseline
