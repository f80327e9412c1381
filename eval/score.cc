#include "eval/score.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace larimar::eval {
namespace {

constexpr double kNormal95 = 1.959963984540054;  // quantile 0.975 of the normal distribution

bool is_digit(char c) { return c >= '0' && c <= '9'; }

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

bool contains_string(std::string_view text, std::string_view expected) {
  const std::string hay = one_spaced(text);
  const std::string wanted = one_spaced(expected);
  if (wanted.empty()) return false;
  for (std::size_t at = hay.find(wanted); at != std::string::npos; at = hay.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    const bool goes_on_before = at > 0 && is_digit(hay[at - 1]) && is_digit(wanted.front());
    const bool goes_on_behind = end < hay.size() && is_digit(hay[end]) && is_digit(wanted.back());
    if (!goes_on_before && !goes_on_behind) return true;
  }
  return false;
}

Score score_answer(const Answer& answer, const HiddenNeedle& needle, std::string_view expected) {
  Score score;
  for (std::size_t i = 0; i < answer.citations.size() && score.rank == 0; ++i) {
    if (is_right(answer.citations[i], needle)) score.rank = i + 1;
  }
  score.retrieval_first = score.rank == 1;
  score.retrieval_any = score.rank > 0;
  score.wording = contains_string(answer.answer, expected);
  score.wording_any =
      score.wording || std::any_of(answer.decoded.begin(), answer.decoded.end(),
                                   [&](const std::string& text) { return contains_string(text, expected); });
  return score;
}

double Recall::value() const { return n == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(n); }
double Recall::low() const { return wilson(*this).low; }
double Recall::high() const { return wilson(*this).high; }

}  // namespace larimar::eval
