#include "common/text/prompts.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "common/base/error.h"

namespace larimar::text {
namespace {

constexpr const char* kTurnBegins = "<|im_start|>";
constexpr const char* kTurnEnds = "<|im_end|>";
// Of SmolLM2 and GPT-2, of Llama's and Mistral's family, of Phi-3, of Llama 3.
constexpr std::array kEnds = {kTurnEnds, "<|endoftext|>", "</s>", "<|end|>", "<|eot_id|>"};

std::vector<TokenId> opening_of(const Tokenizer& tokenizer) {
  const std::vector<TokenId> bare = tokenizer.encode("a"), whole = tokenizer.with_specials(bare);
  const auto text = std::search(whole.begin(), whole.end(), bare.begin(), bare.end());
  return {whole.begin(), text == whole.end() ? whole.begin() : text};
}

}  // namespace

bool has_piece(const Tokenizer& tokenizer, std::string_view name) {
  try {
    static_cast<void>(tokenizer.id_of(name));
    return true;
  } catch (const base::FormatError&) {
    return false;
  }
}

std::string trim_white_space(const std::string& text) {
  constexpr const char* kWhite = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kWhite);
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(kWhite) - begin + 1);
}

PromptWriter::PromptWriter(const Tokenizer& tokenizer)
    : tokenizer_(tokenizer),
      chat_(has_piece(tokenizer, kTurnBegins) && has_piece(tokenizer, kTurnEnds)),
      opening_(opening_of(tokenizer)) {
  for (const char* piece : kEnds) {
    if (has_piece(tokenizer, piece)) stops_.push_back(tokenizer.id_of(piece));
  }
}

void PromptWriter::add_frame(std::vector<TokenId>& prompt, std::string_view text) const {
  std::ranges::copy(tokenizer_.encode_marked(text), std::back_inserter(prompt));
}

void PromptWriter::add_foreign(std::vector<TokenId>& prompt, std::string_view text) const {
  std::ranges::copy(tokenizer_.encode(text), std::back_inserter(prompt));
}

}  // namespace larimar::text
