#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace larimar::text {

/// GPT-2 writes a byte as a printable character: visible Latin-1 stands for itself, the other 68 bytes follow from U+0100 on.
[[nodiscard]] std::string printable_of_byte(unsigned char byte);

/// The bytes of a piece that is written this way; nothing if a character of it stands for no byte.
[[nodiscard]] std::optional<std::string> bytes_of_printable(std::string_view piece);

/// The name of a byte where BPE falls back to bytes: <0x0A>.
[[nodiscard]] std::string fallback_name(unsigned char byte);

}  // namespace larimar::text
