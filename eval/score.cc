#include "eval/score.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace larimar::eval {
namespace {

constexpr double kNormal95 = 1.959963984540054;  // quantile 0.975 of the normal distribution

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Whether two neighbours belong to one number, or to one word where words count.
bool run_together(char left, char right, bool whole_words) {
  if (is_digit(left) && is_digit(right)) return true;
  return whole_words && (is_digit(left) || is_letter(left)) && (is_digit(right) || is_letter(right));
}

std::string one_spaced(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n\f\v";
  std::string result;
  for (std::size_t begin = text.find_first_not_of(spaces); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(spaces, begin), text.size());
    if (!result.empty()) result.push_back(' ');
    result += text.substr(begin, end - begin);
    begin = text.find_first_not_of(spaces, end);
  }
  return result;
}

struct Interval {
  double low;
  double high;
};

Interval wilson(const Recall& recall) {
  if (recall.n == 0) return {0, 1};
  const double n = static_cast<double>(recall.n);
  const double p = static_cast<double>(recall.hits) / n;
  const double z2 = kNormal95 * kNormal95;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kNormal95 / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace

bool is_right(const Citation& citation, const HiddenNeedle& needle) {
  if (citation.byte_begin >= needle.byte_end || needle.byte_begin >= citation.byte_end) return false;
  const auto normal = [](const std::filesystem::path& path) {
    return std::filesystem::absolute(path).lexically_normal();
  };
  return normal(citation.document) == normal(needle.document);
}

bool contains_string(std::string_view text, std::string_view expected, bool whole_words) {
  const std::string hay = one_spaced(text);
  const std::string wanted = one_spaced(expected);
  if (wanted.empty()) return false;
  for (std::size_t at = hay.find(wanted); at != std::string::npos; at = hay.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    const bool goes_on_before = at > 0 && run_together(hay[at - 1], wanted.front(), whole_words);
    const bool goes_on_behind = end < hay.size() && run_together(wanted.back(), hay[end], whole_words);
    if (!goes_on_before && !goes_on_behind) return true;
  }
  return false;
}

Score score_answer(const Answer& answer, const Expectation& right) {
  Score score;
  std::size_t read = 0, found = 0, found_any = 0;
  for (std::size_t i = 0; i < answer.citations.size() && score.rank == 0; ++i) {
    const auto hit = [&](const HiddenNeedle& needle) { return is_right(answer.citations[i], needle); };
    if (std::ranges::any_of(right.evidence, hit)) score.rank = i + 1;
  }
  for (const HiddenNeedle& needle : right.evidence) {
    const auto hit = [&](const Citation& citation) { return is_right(citation, needle); };
    if (std::ranges::any_of(answer.citations, hit)) ++read;
  }
  for (const std::string& expected : right.expected) {
    const auto holds = [&](const std::string& text) { return contains_string(text, expected, right.whole_words); };
    const bool there = holds(answer.answer);
    found += there ? 1U : 0U;
    found_any += there || std::ranges::any_of(answer.decoded, holds) ? 1U : 0U;
  }
  const std::size_t all = right.expected.size();
  if (right.wanted == Wanted::kNone) {
    found = all - found;
    found_any = all - found_any;
  } else if (right.wanted == Wanted::kAny) {
    found = found > 0 ? all : 0;
    found_any = found_any > 0 ? all : 0;
  }
  score.retrieval_first = score.rank == 1;
  score.retrieval_any = score.rank > 0;
  const auto share = [](std::size_t part, std::size_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  };
  score.evidence_read = share(read, right.evidence.size());
  score.value = share(found, all);
  score.value_any = share(found_any, all);
  score.wording = all > 0 && found == all;
  score.wording_any = all > 0 && found_any == all;
  return score;
}

double Recall::value() const { return n == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(n); }
double Recall::low() const { return wilson(*this).low; }
double Recall::high() const { return wilson(*this).high; }

}  // namespace larimar::eval
