#include "eval/sentences.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/contracts.h"

namespace larimar::eval {
namespace {

constexpr std::string_view kSpaces = " \t\r\n\f\v";
constexpr std::array<std::string_view, 22> kAbbreviations = {"mr",  "mrs", "ms",  "dr",  "prof", "st",  "jr",  "sr",
                                                             "vs",  "etc", "e.g", "i.e", "no",   "vol", "fig", "inc",
                                                             "ltd", "co",  "pp",  "ch",  "ed",   "cf"};

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
bool is_closer(char c) { return c == '"' || c == '\'' || c == ')' || c == ']'; }
bool may_begin_sentence(char c) {
  return is_upper(c) || (c >= '0' && c <= '9') || c == '"' || c == '\'' || c == '(' || c == '[' || (c & 0x80) != 0;
}

/// Whether the full stop at `stop` ends an abbreviation or a single letter, as in a name or "p. 166".
bool is_abbreviation(std::string_view text, std::size_t stop) {
  std::size_t begin = stop;
  while (begin > 0 && (is_letter(text[begin - 1]) || text[begin - 1] == '.')) --begin;
  const std::string_view word = text.substr(begin, stop - begin);
  if (word.size() == 1) return word[0] != 'I';
  const auto same_letters = [word](std::string_view known) {
    return std::equal(word.begin(), word.end(), known.begin(), known.end(),
                      [](char a, char b) { return (is_upper(a) ? static_cast<char>(a - 'A' + 'a') : a) == b; });
  };
  return std::any_of(kAbbreviations.begin(), kAbbreviations.end(), same_letters);
}

/// Whether the text before `end` (which stands behind its last character that is not white space) closes a sentence.
bool closes_sentence(std::string_view text, std::size_t end) {
  while (end > 0 && is_closer(text[end - 1])) --end;
  if (end == 0) return false;
  const char last = text[end - 1];
  if (last == '!' || last == '?') return true;
  return last == '.' && !is_abbreviation(text, end - 1);
}

}  // namespace

std::vector<std::size_t> sentence_boundaries(std::string_view text) {
  std::vector<std::size_t> boundaries{0};
  std::size_t space = text.find_first_of(kSpaces);
  while (space != std::string_view::npos) {
    const std::size_t next = text.find_first_not_of(kSpaces, space);
    if (next == std::string_view::npos) break;
    const std::string_view gap = text.substr(space, next - space);
    const bool paragraph = std::count(gap.begin(), gap.end(), '\n') > 1;
    const bool sentence = may_begin_sentence(text[next]) && closes_sentence(text, space);
    if (space > 0 && (paragraph || sentence)) boundaries.push_back(next);
    space = text.find_first_of(kSpaces, next);
  }
  if (!text.empty()) boundaries.push_back(text.size());
  return boundaries;
}

std::size_t nearest_boundary(const std::vector<std::size_t>& boundaries, double position) {
  LARIMAR_EXPECT(!boundaries.empty());
  const auto distance = [position](std::size_t b) { return std::abs(static_cast<double>(b) - position); };
  return *std::min_element(boundaries.begin(), boundaries.end(),
                           [&](std::size_t a, std::size_t b) { return distance(a) < distance(b); });
}

}  // namespace larimar::eval
