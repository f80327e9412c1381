#include "coordinator/alignment.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "common/text/unicode.h"

namespace larimar::coordinator {
namespace {

/// Code points with white space collapsed: none at the ends, one space between words.
struct Characters {
  std::vector<std::int32_t> values;
  std::vector<std::size_t> ends;  // of each character: the byte after it in the text
};

Characters characters_of(std::string_view text) {
  Characters result;
  bool space = false;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint point = text::code_point_at(text, at);
    const bool is_space = text::is_space(point.value);
    if (!is_space && space && !result.values.empty()) {
      result.values.push_back(' ');
      result.ends.push_back(at);
    }
    space = is_space;
    at += point.length;
    if (is_space) continue;
    result.values.push_back(point.value);
    result.ends.push_back(at);
  }
  return result;
}

std::string_view trimmed(std::string_view text) {
  std::size_t begin = text.size();
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const text::CodePoint point = text::code_point_at(text, at);
    if (!text::is_space(point.value)) {
      begin = std::min(begin, at);
      end = at + point.length;
    }
    at += point.length;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view{};
}

struct Place {
  std::size_t end = 0;   // characters of the decoded text up to the end of the prefix
  std::size_t cost = 0;  // edit operations
};

bool is_word(std::int32_t value) { return text::is_letter(value) || text::is_number(value); }

bool cuts_word(const std::vector<std::int32_t>& values, std::size_t end) {
  return end > 0 && end < values.size() && is_word(values[end - 1]) && is_word(values[end]);
}

/// costs[j]: least edit distance of the pattern to a piece of `values` that ends at j.
std::vector<std::size_t> costs_by_end(const std::vector<std::int32_t>& pattern,
                                      const std::vector<std::int32_t>& values) {
  std::vector<std::size_t> column(pattern.size() + 1);
  std::iota(column.begin(), column.end(), std::size_t{0});
  std::vector<std::size_t> costs{column.back()};
  for (const std::int32_t value : values) {
    std::size_t diagonal = column[0];  // stays 0: a match may begin anywhere
    for (std::size_t i = 1; i <= pattern.size(); ++i) {
      const std::size_t replaced = diagonal + (pattern[i - 1] == value ? 0U : 1U);
      diagonal = column[i];
      column[i] = std::min({replaced, column[i] + 1, column[i - 1] + 1});
    }
    costs.push_back(column.back());
  }
  return costs;
}

/// "... key is" against "... key iz 5" costs 1 up to "i" as well as up to "iz"; only the second leaves "5".
std::size_t prefer_whole_word(const std::vector<std::size_t>& costs, const std::vector<std::int32_t>& values,
                              std::size_t end) {
  const std::size_t last = std::min(end + costs[end], values.size());
  for (std::size_t near = end; near <= last; ++near) {
    if (costs[near] == costs[end] && !cuts_word(values, near)) return near;
  }
  return end;
}

Place find_place(const std::vector<std::int32_t>& pattern, const std::vector<std::int32_t>& values) {
  const std::boyer_moore_horspool_searcher searcher(pattern.begin(), pattern.end());
  const auto exact = std::search(values.begin(), values.end(), searcher);
  if (exact != values.end()) return {static_cast<std::size_t>(exact - values.begin()) + pattern.size(), 0};
  const std::vector<std::size_t> costs = costs_by_end(pattern, values);
  const auto first = static_cast<std::size_t>(std::min_element(costs.begin(), costs.end()) - costs.begin());
  return {prefer_whole_word(costs, values, first), costs[first]};
}

}  // namespace

Completion complete_prefix(std::string_view prefix, std::string_view decoded) {
  const Characters pattern = characters_of(prefix);
  const Characters characters = characters_of(decoded);
  if (pattern.values.empty()) return {std::string(trimmed(decoded)), true, 1.0};
  const auto size = static_cast<double>(pattern.values.size());
  const double most = kMostDifference * size;
  // Each character of the prefix beyond the decoded text's length costs one: long prefixes need no table.
  if (size - static_cast<double>(characters.values.size()) > most) return {std::string(decoded), false, 0.0};
  const Place place = find_place(pattern.values, characters.values);
  const double similarity = 1.0 - static_cast<double>(place.cost) / size;
  if (static_cast<double>(place.cost) > most) return {std::string(decoded), false, similarity};
  const std::size_t cut = place.end == 0 ? 0 : characters.ends[place.end - 1];
  return {std::string(trimmed(decoded.substr(cut))), true, similarity};
}

}  // namespace larimar::coordinator
