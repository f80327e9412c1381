#pragma once
#include <cstddef>
#include <string_view>
#include <vector>

namespace larimar::eval {

/// Offsets at which a sentence may be put into the text without splitting one: 0, every offset behind the white space
/// that ends a sentence or a paragraph, and text.size(). Ascending, distinct; {0} for an empty text.
/// Rule: [.!?], closing quotes or brackets, white space, then a capital, a digit, an opening mark or a byte beyond
/// ASCII; not behind a known abbreviation or a single letter. Doubtful places are left out: a missed one costs nothing
/// here. Local; cost linear in the text.
[[nodiscard]] std::vector<std::size_t> sentence_boundaries(std::string_view text);

/// The member of boundaries (ascending, not empty) nearest to position; the lower one of two equally near.
[[nodiscard]] std::size_t nearest_boundary(const std::vector<std::size_t>& boundaries, double position);

}  // namespace larimar::eval
