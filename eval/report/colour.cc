#include "eval/report/colour.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "common/base/error.h"
#include "common/base/svg.h"

namespace larimar::eval::report {
namespace {

// Nine steps of 9.1 in CIE lightness, from 17 to 90, at hues from violet to yellow.
constexpr std::array<Colour, 9> kEven{{{0x35, 0x18, 0x64},
                                       {0x2d, 0x36, 0x83},
                                       {0x00, 0x55, 0x95},
                                       {0x02, 0x72, 0x92},
                                       {0x01, 0x8e, 0x96},
                                       {0x03, 0xab, 0x93},
                                       {0x53, 0xc5, 0x7d},
                                       {0xa8, 0xd8, 0x67},
                                       {0xf4, 0xe5, 0x5d}}};
constexpr std::array<Colour, 5> kTraffic{
    {{0xb3, 0x26, 0x2e}, {0xe8, 0x74, 0x3b}, {0xf7, 0xd3, 0x58}, {0x8c, 0xc1, 0x52}, {0x2e, 0x8b, 0x4a}}};

std::uint8_t between(std::uint8_t low, std::uint8_t high, double part) {
  return static_cast<std::uint8_t>(std::lround(low + (high - low) * part));
}

double linear(std::uint8_t channel) {
  const double share = channel / 255.0;
  return share <= 0.04045 ? share / 12.92 : std::pow((share + 0.055) / 1.055, 2.4);
}

}  // namespace

Scale parse_scale(const std::string& name) {
  if (name == "viridis") return Scale::kViridis;
  if (name == "red-yellow-green") return Scale::kRedYellowGreen;
  throw base::UsageError("\"" + name + "\" is not a colour scale; use viridis or red-yellow-green");
}

Colour colour_at(Scale scale, double share) {
  const std::span<const Colour> anchors =
      scale == Scale::kViridis ? std::span<const Colour>(kEven) : std::span<const Colour>(kTraffic);
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(anchors.size() - 1);
  const std::size_t step = std::min(static_cast<std::size_t>(place), anchors.size() - 2);
  const double part = place - static_cast<double>(step);
  const Colour low = anchors[step], high = anchors[step + 1];
  return {between(low.red, high.red, part), between(low.green, high.green, part), between(low.blue, high.blue, part)};
}

std::string hex(Colour colour) {
  return base::svg_format("#%02x%02x%02x", unsigned{colour.red}, unsigned{colour.green}, unsigned{colour.blue});
}

double luminance(Colour colour) {
  return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green) + 0.0722 * linear(colour.blue);
}

double contrast(Colour one, Colour other) {
  const double first = luminance(one), second = luminance(other);
  const double light = std::max(first, second), dark = std::min(first, second);
  return (light + 0.05) / (dark + 0.05);
}

Colour text_on(Colour ground) {
  constexpr Colour black{}, white{255, 255, 255};
  return contrast(ground, black) >= contrast(ground, white) ? black : white;
}

}  // namespace larimar::eval::report
