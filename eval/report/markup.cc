#include "eval/report/markup.h"

#include <algorithm>
#include <cstdint>

#include "common/text/unicode.h"

namespace larimar::eval::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_forbidden(std::int32_t point) {
  const auto within = [point](std::int32_t low, std::int32_t high) { return point >= low && point <= high; };
  return point < 0x20 || within(0x7F, 0x9F) ||                    // controls
         point == 0x61C || within(0x200E, 0x200F) ||              // direction marks
         within(0x202A, 0x202E) || within(0x2066, 0x2069) ||      // embeddings, overrides and isolates
         within(0x2028, 0x2029) || (point & 0xFFFE) == 0xFFFE ||  // line ends, noncharacters
         within(0xFDD0, 0xFDEF);
}

bool is_plain(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
}

}  // namespace

std::string escape(std::string_view text) {
  std::string escaped;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint point = text::code_point_at(text, at);
    switch (point.value) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      case '\t':
      case '\n':
      case '\r':
        escaped += ' ';
        break;
      default:
        escaped += is_forbidden(point.value) ? kReplacement : text.substr(at, point.length);
    }
    at += point.length;
  }
  return escaped;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char letter : text) quoted.append(letter == '"' ? 2 : 1, letter);
  return quoted + "\"";
}

std::string slug(std::string_view text) {
  std::string name;
  for (const char letter : text) {
    if (name.size() >= 60) break;
    if (is_plain(letter))
      name += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "figure" : name;
}

std::string shell_word(std::string_view text) {
  const bool plain = !text.empty() && std::ranges::all_of(text, [](char letter) {
    return is_plain(letter) || std::string_view("._/=:,+-").find(letter) != std::string_view::npos;
  });
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (const char letter : text) quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
  return quoted + "'";
}

}  // namespace larimar::eval::report
