#include "common/text/word_split.h"

#include <array>

#include "common/text/unicode.h"

namespace larimar::text {
namespace {

enum class Kind { kLetter, kNumber, kSpace, kOther };

Kind kind_of(std::int32_t value) {
  if (value < 0) return Kind::kOther;
  if (is_letter(value)) return Kind::kLetter;
  if (is_number(value)) return Kind::kNumber;
  return is_space(value) ? Kind::kSpace : Kind::kOther;
}

std::size_t contraction_length(std::string_view text) {
  static constexpr std::array<std::string_view, 7> kEndings{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  for (const std::string_view ending : kEndings) {
    if (text.starts_with(ending)) return ending.size();
  }
  return 0;
}

std::size_t run_length(std::string_view text, std::size_t at, Kind kind) {
  std::size_t end = at;
  while (end < text.size()) {
    const CodePoint point = code_point_at(text, end);
    if (kind_of(point.value) != kind) break;
    end += point.length;
  }
  return end - at;
}

// White space keeps its last code point for the word that follows, unless nothing follows.
std::size_t space_length(std::string_view text, std::size_t length) {
  if (length == text.size()) return length;
  std::size_t last = length - 1;
  while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
  return last == 0 ? length : last;
}

std::size_t word_length(std::string_view text) {
  if (const std::size_t length = contraction_length(text); length != 0) return length;
  const Kind first = kind_of(code_point_at(text, 0).value);
  if (first != Kind::kSpace) return run_length(text, 0, first);
  if (text[0] == ' ' && text.size() > 1) {
    const Kind next = kind_of(code_point_at(text, 1).value);
    if (next != Kind::kSpace) return 1 + run_length(text, 1, next);
  }
  return space_length(text, run_length(text, 0, Kind::kSpace));
}

void split_part(std::string_view part, std::vector<std::string_view>& words) {
  while (!part.empty()) {
    const std::size_t length = word_length(part);
    words.push_back(part.substr(0, length));
    part.remove_prefix(length);
  }
}

}  // namespace

std::vector<std::string_view> split_words(std::string_view text, bool split_digits) {
  std::vector<std::string_view> words;
  if (!split_digits) {
    split_part(text, words);
    return words;
  }
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (kind_of(point.value) == Kind::kNumber) {
      split_part(text.substr(begin, at - begin), words);
      words.push_back(text.substr(at, point.length));
      begin = at + point.length;
    }
    at += point.length;
  }
  split_part(text.substr(begin), words);
  return words;
}

}  // namespace larimar::text
