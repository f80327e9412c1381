#pragma once
#include <string_view>
#include <vector>

namespace larimar::text {

/// Cuts a text into the words that byte-level BPE never crosses: GPT-2's pattern
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// with each numeric code point alone first if split_digits. Concatenated words give the text. Views into `text`.
/// Takes any bytes; those that are not UTF-8 count as signs.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text, bool split_digits);

}  // namespace larimar::text
