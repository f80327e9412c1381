#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace larimar::text {

/// One code point of a UTF-8 text. For a byte that starts no valid sequence: value kInvalid, length 1.
struct CodePoint {
  static constexpr std::int32_t kInvalid = -1;
  std::int32_t value = kInvalid;
  std::size_t length = 1;  // bytes
};

/// The code point that starts at `at`. Needs at < text.size(). Overlong forms, surrogates and values above U+10FFFF are invalid.
[[nodiscard]] CodePoint code_point_at(std::string_view text, std::size_t at);

/// Needs a code point that is no surrogate.
void append_utf8(std::int32_t code_point, std::string& text);

[[nodiscard]] bool is_letter(std::int32_t code_point);  // general category L*
[[nodiscard]] bool is_number(std::int32_t code_point);  // general category N*
[[nodiscard]] bool is_space(std::int32_t code_point);   // property White_Space
[[nodiscard]] bool is_upper(std::int32_t code_point);   // Lu or Lt
[[nodiscard]] bool is_lower(std::int32_t code_point);   // Ll

/// What repair_utf8 did.
struct Repair {
  std::string text;                           // valid UTF-8 without NUL
  std::size_t replaced = 0;                   // bytes that became U+FFFD
  std::size_t first_bad = std::string::npos;  // position of the first one in the input
};

/// Replaces each byte that is not part of valid UTF-8, and each NUL, by U+FFFD. Linear.
[[nodiscard]] Repair repair_utf8(std::string_view text);

/// Replaces the same bytes in place by '?', so that every position keeps its meaning. Returns how many. Linear.
std::size_t mask_invalid_utf8(std::string& text);

/// Position of the first byte that repair_utf8 would replace, or npos. Allocates nothing.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

}  // namespace larimar::text
