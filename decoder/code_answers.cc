#include "decoder/code_answers.h"

#include <string_view>
#include <vector>

namespace larimar::decoder {

std::string CodeAnswers::answer(const std::string& question, linalg::ConstMatrixRef codes) {
  if (codes.rows() == 0) return {};
  const text::PromptFrame& frame = prompts_.is_chat() ? text::kAnswerChat : text::kAnswerPlain;
  const linalg::Matrix rows = codes;  // each row in one piece
  std::vector<model::PromptPart> prompt(1);
  prompt.back().tokens = prompts_.opening();
  prompts_.add_frame(prompt.back().tokens, frame.begin);
  for (linalg::Index i = 0; i < rows.rows(); ++i) {
    prompts_.add_frame(prompt.back().tokens, "- ");
    prompt.push_back({.tokens = {}, .code = {rows.row(i).data(), static_cast<std::size_t>(rows.cols())}});
    prompts_.add_frame(prompt.emplace_back().tokens, "\n");
  }
  std::vector<text::TokenId>& rest = prompt.back().tokens;
  prompts_.add_frame(rest, frame.middle);
  prompts_.add_foreign(rest, question);
  prompts_.add_frame(rest, frame.end);
  return text::trim_white_space(tokenizer_.decode(reader_.complete(prompt, text::kMostAnswerTokens)));
}

}  // namespace larimar::decoder
