#include "common/base/svg.h"

namespace larimar::base {

std::string svg_open(int width, int height) {
  return svg_format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" ",
                    width, height, width, height) +
         "font-family=\"sans-serif\" font-size=\"12\" fill=\"#24292f\">\n<rect width=\"100%\" height=\"100%\" "
         "fill=\"white\"/>\n";
}

std::string svg_text(double x, double y, const char* anchor, std::string_view text) {
  std::string svg = svg_format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
  for (const char letter : text) {
    switch (letter) {
      case '&':
        svg += "&amp;";
        break;
      case '<':
        svg += "&lt;";
        break;
      case '>':
        svg += "&gt;";
        break;
      default:
        svg += letter;
    }
  }
  return svg + "</text>\n";
}

}  // namespace larimar::base
