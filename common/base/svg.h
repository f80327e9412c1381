#pragma once
// What drawings in SVG have in common. Numbers are written the same way everywhere, so equal drawings are equal bytes.
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace larimar::base {

/// printf of numbers and of short constant strings, at most 511 characters.
template <class... Values>
[[nodiscard]] std::string svg_format(const char* pattern, Values... values) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), pattern, values...);
  return text.data();
}

/// Opens a drawing on white ground; "</svg>\n" closes it.
[[nodiscard]] std::string svg_open(int width, int height);

/// A line of text, its `anchor` ("start", "middle", "end") at x; what XML reserves in it is escaped.
[[nodiscard]] std::string svg_text(double x, double y, const char* anchor, std::string_view text);

}  // namespace larimar::base
