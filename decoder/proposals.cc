#include "decoder/proposals.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace larimar::decoder {

std::vector<Proposal> most_probable(std::span<const std::vector<Candidate>> positions, text::TokenId end,
                                    std::size_t most) {
  std::vector<Proposal> texts(1);
  for (const auto& candidates : positions) {
    std::vector<Proposal> longer;
    for (const Proposal& text : texts) {
      for (const Candidate& candidate : candidates) {
        Proposal& one = longer.emplace_back(text);
        one.pieces.push_back(candidate.piece);
        one.log_probability += candidate.log_probability;
      }
    }
    std::ranges::stable_sort(longer, std::ranges::greater{}, &Proposal::log_probability);
    if (longer.size() > most) longer.resize(most);
    texts = std::move(longer);
  }
  std::vector<Proposal> different;
  for (Proposal& text : texts) {
    text.pieces.erase(std::ranges::find(text.pieces, end), text.pieces.end());
    const bool is_new = std::ranges::none_of(different, [&](const Proposal& one) { return one.pieces == text.pieces; });
    if (is_new) different.push_back(std::move(text));
  }
  return different;
}

}  // namespace larimar::decoder
