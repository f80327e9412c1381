#pragma once
#include <string>
#include <string_view>

namespace larimar::coordinator {

/// Share of the prefix's characters that may differ in the decoded text. Measured on 1024 pairs of unrelated sentences of
/// English essays: a prefix of six words is taken for found in 7, one of two words in 175.
inline constexpr double kMostDifference = 0.4;

struct Completion {
  std::string text;    // what follows the prefix, without white space at its ends; the whole decoded text if not found
  bool found = false;  // the prefix, or nearly it, stands in the decoded text
  double similarity = 0.0;  // in [0, 1]: 1 - differing characters / characters of the prefix
};

/// Finds a prefix in a decoded text and returns what follows it. Semi-global alignment: the place of least edit distance
/// (insert, delete, replace a code point, each at cost 1), what stands before and after it free; runs of white space count as
/// one space. Of several ends of least cost the first; where that cuts a word because the prefix's own end differs,
/// the first nearby end of the same cost that cuts none.
/// Units   both texts UTF-8; bytes that are not are code points of their own. The cut never splits a code point.
/// Empty   a prefix of white space only is found at the start.
/// Calls   local. Thread-safe.
/// Cost    O(prefix * decoded) time where a plain search fails, O(prefix + decoded) memory.
/// Source  Sellers, "The theory and computation of evolutionary distances: pattern recognition", J. Algorithms 1 (1980).
[[nodiscard]] Completion complete_prefix(std::string_view prefix, std::string_view decoded);

}  // namespace larimar::coordinator
