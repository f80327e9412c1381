#include "common/text/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "common/text/unicode.h"

namespace larimar::text {
namespace {

constexpr std::int32_t kFirstHidden = 0x100;
constexpr std::size_t kEnd = 0x144;  // behind the highest code point used

constexpr std::array<std::int32_t, 256> make_printable() {
  std::array<std::int32_t, 256> table{};
  std::int32_t next = kFirstHidden;
  for (std::int32_t byte = 0; byte < 256; ++byte) {
    const bool visible = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    table[static_cast<std::size_t>(byte)] = visible ? byte : next++;
  }
  return table;
}

constexpr std::array<std::int32_t, 256> kPrintable = make_printable();

constexpr std::array<std::int32_t, kEnd> make_bytes() {
  std::array<std::int32_t, kEnd> table{};
  for (auto& byte : table) byte = -1;
  for (std::size_t byte = 0; byte < 256; ++byte)
    table[static_cast<std::size_t>(kPrintable[byte])] = static_cast<std::int32_t>(byte);
  return table;
}

constexpr std::array<std::int32_t, kEnd> kBytes = make_bytes();

}  // namespace

std::string printable_of_byte(unsigned char byte) {
  std::string text;
  append_utf8(kPrintable[byte], text);
  return text;
}

std::optional<std::string> bytes_of_printable(std::string_view piece) {
  std::string bytes;
  for (std::size_t at = 0; at < piece.size();) {
    const CodePoint point = code_point_at(piece, at);
    const bool known = point.value >= 0 && point.value < static_cast<std::int32_t>(kEnd);
    const std::int32_t byte = known ? kBytes[static_cast<std::size_t>(point.value)] : -1;
    if (byte < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(byte));
    at += point.length;
  }
  return bytes;
}

std::string fallback_name(unsigned char byte) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  return {'<', '0', 'x', kDigits[byte >> 4U], kDigits[byte & 15U], '>'};
}

}  // namespace larimar::text
