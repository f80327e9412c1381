#include "eval/report/drawing.h"

#include <array>

#include "common/base/svg.h"
#include "common/text/unicode.h"
#include "eval/report/markup.h"

namespace larimar::eval::report {
namespace {

using base::svg_format;

constexpr std::array<const char*, 7> kColours{"#0068a8", "#c94f00", "#00805c", "#a8417f",
                                              "#5b5bd6", "#7a6200", "#3d4450"};

std::string polygon(std::initializer_list<std::pair<double, double>> corners, double x, double y) {
  std::string points;
  for (const auto& [right, down] : corners) points += svg_format("%.1f,%.1f ", x + right, y + down);
  points.pop_back();
  return "<polygon points=\"" + points + "\"";
}

std::string outline(std::size_t shape, double x, double y) {
  switch (shape) {
    case 0:
      return svg_format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4.2\"", x, y);
    case 1:
      return polygon({{-3.8, -3.8}, {3.8, -3.8}, {3.8, 3.8}, {-3.8, 3.8}}, x, y);
    case 2:
      return polygon({{0, -4.8}, {4.6, 3.6}, {-4.6, 3.6}}, x, y);
    case 3:
      return polygon({{0, -5.2}, {5.2, 0}, {0, 5.2}, {-5.2, 0}}, x, y);
    case 4:
      return polygon({{-4.6, -3.6}, {4.6, -3.6}, {0, 4.8}}, x, y);
    case 5:
      return polygon({{-1.5, -4.8},
                      {1.5, -4.8},
                      {1.5, -1.5},
                      {4.8, -1.5},
                      {4.8, 1.5},
                      {1.5, 1.5},
                      {1.5, 4.8},
                      {-1.5, 4.8},
                      {-1.5, 1.5},
                      {-4.8, 1.5},
                      {-4.8, -1.5},
                      {-1.5, -1.5}},
                     x, y);
    default:
      return polygon({{-2.5, -4.4}, {2.5, -4.4}, {5, 0}, {2.5, 4.4}, {-2.5, 4.4}, {-5, 0}}, x, y);
  }
}

}  // namespace

std::string open_drawing(double width, double height, std::string_view title) {
  return svg_format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"drawing\" role=\"img\" width=\"%.0f\" "
             "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"DejaVu Sans, Verdana, sans-serif\" "
             "font-size=\"12\" fill=\"#1f2328\">\n<title>",
             width, height, width, height) +
         escape(title) + "</title>\n<rect class=\"ground\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
}

std::string close_drawing() { return "</svg>\n"; }

std::string label(double x, double y, const char* anchor, std::string_view text, std::string_view look) {
  std::string svg = svg_format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"", x, y, anchor);
  if (!look.empty()) svg.append(" ").append(look);
  return svg + ">" + escape(text) + "</text>\n";
}

std::string rule(double x1, double y1, double x2, double y2) {
  return svg_format("<line class=\"rule\" stroke=\"#d8dee4\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x1,
                    y1, x2, y2);
}

std::string mark(double x, double y, std::size_t series, bool hollow) {
  const std::size_t look = series % kColours.size();
  const std::string drawn = outline((series + series / kColours.size()) % kColours.size(), x, y);
  if (!hollow) return drawn + svg_format(" class=\"fill%zu\" fill=\"%s\"/>\n", look, kColours[look]);
  return drawn + svg_format(" class=\"hollow line%zu\" fill=\"#ffffff\" stroke=\"%s\" stroke-width=\"1.6\"/>\n", look,
                            kColours[look]);
}

std::string stroke(std::size_t series, double width, bool dashed) {
  const std::size_t look = series % kColours.size();
  return svg_format("class=\"line%zu\" stroke=\"%s\" stroke-width=\"%.1f\"%s", look, kColours[look], width,
                    dashed ? " stroke-dasharray=\"5 3\"" : "");
}

std::string shortened(std::string_view text, std::size_t most) {
  std::size_t characters = 0, kept = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (++characters == most) kept = at;
    at += text::code_point_at(text, at).length;
  }
  return characters <= most ? std::string(text) : std::string(text.substr(0, kept)) + "\xE2\x80\xA6";
}

}  // namespace larimar::eval::report
