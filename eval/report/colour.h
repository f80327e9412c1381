#pragma once
#include <cstdint>
#include <string>

namespace larimar::eval::report {

/// A colour of the sRGB space, as screens take it.
struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  [[nodiscard]] bool operator==(const Colour&) const = default;
};

/// kViridis runs from dark violet over teal to yellow in even steps of lightness, so that it reads the same to the
/// colour-blind and in grey print. kRedYellowGreen is what older needle reports use; red and green look alike to one
/// man in twelve.
enum class Scale { kViridis, kRedYellowGreen };

/// "viridis" or "red-yellow-green". Throws UsageError naming both.
[[nodiscard]] Scale parse_scale(const std::string& name);

/// The colour of a share; below 0 as 0, above 1 as 1.
[[nodiscard]] Colour colour_at(Scale scale, double share);

/// "#rrggbb".
[[nodiscard]] std::string hex(Colour colour);

/// Relative luminance, 0 (black) to 1 (white), and the contrast of two colours, 1 to 21.
/// Source: W3C, Web Content Accessibility Guidelines 2.1, definitions of both terms.
[[nodiscard]] double luminance(Colour colour);
[[nodiscard]] double contrast(Colour one, Colour other);

/// Black or white, whichever reads better on `ground`; the contrast is at least 4.58 on any ground.
[[nodiscard]] Colour text_on(Colour ground);

}  // namespace larimar::eval::report
