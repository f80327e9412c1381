#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "common/text/tokenizer.h"

namespace larimar::decoder {

/// A piece that may stand at a position of a text.
struct Candidate {
  text::TokenId piece = 0;
  double log_probability = 0;
};

/// A text that a code may hold.
struct Proposal {
  std::vector<text::TokenId> pieces;
  double log_probability = 0;  // of the positions together, those behind its end too
};

/// The `most` most probable texts, best first; positions count independently of each other, and a text ends before the first `end`.
/// Each position has one candidate or more, best first. Equal ones keep the order of their candidates. At least one text; fewer than
/// `most` where there are no more, or where two differ behind their end alone. Local; O(positions * most * candidates).
[[nodiscard]] std::vector<Proposal> most_probable(std::span<const std::vector<Candidate>> positions, text::TokenId end,
                                                  std::size_t most);

}  // namespace larimar::decoder
