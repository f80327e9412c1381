#pragma once
#include <string>

#include "common/linalg/matrix.h"
#include "common/model/encoders.h"
#include "common/text/prompts.h"
#include "common/text/tokenizer.h"

namespace larimar::decoder {

/// Answers to questions out of codes alone: they stand where LanguageService has texts, in the same prompt. Decoder and tokenizer are
/// borrowed; the tokenizer is the decoder's. Calls are local.
class CodeAnswers {
 public:
  CodeAnswers(model::CodeReader& reader, const text::Tokenizer& tokenizer)
      : reader_(reader), prompts_(tokenizer), tokenizer_(tokenizer) {}

  /// A short answer, greedy, at most text::kMostAnswerTokens. codes [reads, C], best first; empty without any.
  /// Throws ShapeError for codes of another size.
  [[nodiscard]] std::string answer(const std::string& question, linalg::ConstMatrixRef codes);

 private:
  model::CodeReader& reader_;
  text::PromptWriter prompts_;
  const text::Tokenizer& tokenizer_;
};

}  // namespace larimar::decoder
