#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What tokenizers do to whole texts of UTF-8. Bytes that are not UTF-8 stay as they are unless said otherwise.
/// Local, thread-safe; cost linear in the text.
namespace larimar::text {

enum class NormalForm : std::uint8_t { kNfc, kNfd, kNfkc, kNfkd };

[[nodiscard]] std::string normal_form(std::string_view text, NormalForm form);

/// Each code point by itself: no rule looks at its neighbours, not even the one for the final sigma.
[[nodiscard]] std::string lowercase(std::string_view text);

/// Bytes of white space at the begin, or at the end.
[[nodiscard]] std::size_t leading_space(std::string_view text);
[[nodiscard]] std::size_t trailing_space(std::string_view text);

/// Is the first, or the last, code point part of a word: a letter, mark, decimal digit, connector or joiner?
[[nodiscard]] bool starts_with_word(std::string_view text);
[[nodiscard]] bool ends_with_word(std::string_view text);

/// No byte that is not part of a code point; NUL is one.
[[nodiscard]] bool is_utf8(std::string_view text);

/// Bytes at the end that may yet become a code point: 0 to 3. Bytes that can no longer become one do not count.
[[nodiscard]] std::size_t incomplete_tail(std::string_view text);

/// Valid UTF-8 for show: each longest run of bytes that began a code point and did not end it is one U+FFFD, each other
/// stray byte another, as Unicode recommends and Hugging Face does.
[[nodiscard]] std::string show_utf8(std::string_view text);

}  // namespace larimar::text
