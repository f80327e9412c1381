#pragma once
#include <cstddef>
#include <string_view>
#include <vector>

namespace larimar::text {

/// Bytes [begin, end) of a text.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] std::size_t size() const { return end - begin; }
  friend bool operator==(Span, Span) = default;
};

/// The sentences of a text, in order, without the white space between them. Every byte that is not white space lies in
/// exactly one span. A blank line always ends a sentence; a line end does unless the text is hard-wrapped prose.
/// Depends on the text alone. Local; linear.
[[nodiscard]] std::vector<Span> find_sentences(std::string_view text);

}  // namespace larimar::text
