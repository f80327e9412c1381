#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace larimar::text {

/// What BERT's normaliser does before words are cut into pieces.
struct BertNormalization {
  bool clean_text = true;     // drop control characters and U+FFFD, make every blank a space
  bool space_chinese = true;  // each CJK ideograph is a word of its own
  bool strip_accents = true;  // canonical decomposition, then without nonspacing marks
  bool lowercase = true;
};

/// Bytes that are not UTF-8 count as U+FFFD. Local, thread-safe; cost linear in the text.
[[nodiscard]] std::string normalize_bert(std::string_view text, const BertNormalization& how);

/// Cuts at blanks and around each punctuation mark. Blanks are dropped, no word is empty. Views of `text`.
[[nodiscard]] std::vector<std::string_view> split_bert_words(std::string_view text);

/// Number of code points of valid UTF-8.
[[nodiscard]] std::size_t count_code_points(std::string_view text);

}  // namespace larimar::text
