#include "common/text/sentences.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace larimar::text {
namespace {

bool is_white(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_ascii_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_ascii_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_stop(char c) { return c == '.' || c == '!' || c == '?'; }
bool is_closer(char c) { return c == '"' || c == '\'' || c == ')' || c == ']' || c == '}'; }

// Words whose full stop rarely ends a sentence.
bool is_abbreviation(std::string_view word) {
  static constexpr std::array<std::string_view, 30> kWords{
      "mr",  "mrs", "ms", "dr",  "prof", "st",  "sr",  "jr",  "vs",  "etc", "e.g", "i.e", "cf",  "fig", "eq",
      "gen", "col", "lt", "sgt", "capt", "rev", "hon", "gov", "sen", "rep", "inc", "ltd", "vol", "pp",  "approx"};
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kWords, lower) != kWords.end();
}

// A single capital letter before the stop is an initial ("J. Smith").
bool is_initial(std::string_view word) { return word.size() == 1 && is_ascii_upper(word[0]); }

std::string_view word_before(std::string_view text, std::size_t stop) {
  std::size_t begin = stop;
  while (begin > 0 && !is_white(text[begin - 1]) && text[begin - 1] != '(' && text[begin - 1] != '"') --begin;
  return text.substr(begin, stop - begin);
}

// Hard-wrapped prose: lines of book width of which many begin in the middle of a sentence.
bool is_wrapped_prose(std::string_view text) {
  std::size_t lines = 0, inside = 0, wide = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (end - at > 1) {
      ++lines;
      inside += static_cast<std::size_t>(is_ascii_lower(text[at]));
      wide += static_cast<std::size_t>(end - at >= 40 && end - at <= 120);
    }
    at = end + 1;
  }
  return lines >= 4 && inside * 4 > lines && wide * 2 > lines;
}

// Whether the line end at `newline` ends the sentence.
bool breaks_line(std::string_view text, std::size_t newline, bool wrapped) {
  const std::size_t next = newline + 1;
  if (next >= text.size() || text[next] == '\n' || text[next] == '\r' || !wrapped) return true;
  if (is_ascii_lower(text[next])) return false;  // prose goes on, however short the line was
  const std::size_t start = newline == 0 ? 0 : text.rfind('\n', newline - 1) + 1;  // npos + 1 is 0
  return newline - start < 40 || is_white(text[next]);
}

// End of the sentence whose final punctuation starts at `at`, or 0 if the sentence goes on.
std::size_t stop_end(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_stop(text[end])) ++end;
  const bool only_period = end == at + 1 && text[at] == '.';
  const std::size_t after_stops = end;
  while (end < text.size() && is_closer(text[end])) ++end;
  if (end == text.size()) return end;
  if (!is_white(text[end])) {  // "deep.The": a lost space between two sentences
    const bool glued = end == after_stops && at >= 2 && is_ascii_lower(text[at - 1]) && is_ascii_lower(text[at - 2]) &&
                       end + 1 < text.size() && is_ascii_upper(text[end]) &&
                       (is_ascii_lower(text[end + 1]) || text[end + 1] == ' ');
    return glued ? end : 0;
  }
  std::size_t next = end;
  while (next < text.size() && is_white(text[next])) ++next;
  if (next < text.size() && is_ascii_lower(text[next])) return 0;
  if (only_period && end == after_stops) {
    const std::string_view word = word_before(text, at);
    if (is_initial(word) || is_abbreviation(word)) return 0;
    if (word == "No" && next < text.size() && is_digit(text[next])) return 0;
  }
  return end;
}

void add_trimmed(std::string_view text, std::size_t begin, std::size_t end, std::vector<Span>& spans) {
  while (begin < end && is_white(text[begin])) ++begin;
  while (end > begin && is_white(text[end - 1])) --end;
  if (begin < end) spans.push_back({begin, end});
}

}  // namespace

std::vector<Span> find_sentences(std::string_view text) {
  std::vector<Span> spans;
  const bool wrapped = is_wrapped_prose(text);
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = 0;
    if (text[at] == '\n' && breaks_line(text, at, wrapped))
      end = at + 1;
    else if (is_stop(text[at]))
      end = stop_end(text, at);
    if (end != 0) {
      add_trimmed(text, begin, end, spans);
      begin = end;
    }
    if (end != 0)
      at = end;
    else if (is_stop(text[at]))
      at = std::min(text.find_first_not_of(".!?", at), text.size());  // a run is looked at once
    else
      ++at;
  }
  add_trimmed(text, begin, text.size(), spans);
  return spans;
}

}  // namespace larimar::text
