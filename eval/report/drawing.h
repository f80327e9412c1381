#pragma once
// What the figures have in common. Each is a whole SVG file that stands alone on white ground, and the same bytes
// stand inside the page: classes let the page's style sheet recolour lines and text for a dark screen, attributes
// serve everyone else.
#include <cstddef>
#include <string>
#include <string_view>

namespace larimar::eval::report {

/// A figure in all the forms it is written in: NAME.svg, NAME.png, NAME.csv.
struct Figure {
  std::string name;     // file name without its ending
  std::string caption;  // plain text below it in the page
  std::string svg;
  std::string csv;
};

/// Opens a drawing with a title for screen readers; close_drawing ends it.
[[nodiscard]] std::string open_drawing(double width, double height, std::string_view title);
[[nodiscard]] std::string close_drawing();

/// A line of text at (x, y), its `anchor` ("start", "middle", "end") at x. The text is escaped; `look` is what else
/// stands in the tag and is ours: kTitleLook, kMutedLook or nothing.
[[nodiscard]] std::string label(double x, double y, const char* anchor, std::string_view text,
                                std::string_view look = {});
inline constexpr std::string_view kTitleLook = "font-weight=\"600\" font-size=\"13\"";
inline constexpr std::string_view kMutedLook = "class=\"muted\" fill=\"#57606a\" font-size=\"11\"";

/// A thin line of the frame or the grid.
[[nodiscard]] std::string rule(double x1, double y1, double x2, double y2);

/// The look of the series with this number: a colour that the colour-blind can tell apart and a shape of its own, so
/// that neither is needed alone. Published series are hollow.
/// Source of the colours: after M. Okabe and K. Ito, "Color Universal Design" (2008), darkened for white ground.
[[nodiscard]] std::string mark(double x, double y, std::size_t series, bool hollow);
/// The line between two marks, or the whisker of one: attributes of the stroke.
[[nodiscard]] std::string stroke(std::size_t series, double width, bool dashed);

/// A text of at most `most` characters; a longer one ends in an ellipsis. Cut between characters of valid UTF-8.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t most);

}  // namespace larimar::eval::report
