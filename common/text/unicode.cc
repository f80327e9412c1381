#include "common/text/unicode.h"

#include <utf8proc.h>

#include <array>

namespace larimar::text {
namespace {

utf8proc_category_t category(std::int32_t code_point) { return utf8proc_category(code_point); }

bool is_good(const CodePoint& point) { return point.value > 0; }  // NUL is no text either

}  // namespace

CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {byte, 1};
  utf8proc_int32_t value = 0;
  const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at);
  const utf8proc_ssize_t used = utf8proc_iterate(data, static_cast<utf8proc_ssize_t>(text.size() - at), &value);
  if (used <= 0) return {};
  return {value, static_cast<std::size_t>(used)};
}

void append_utf8(std::int32_t code_point, std::string& text) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t size = utf8proc_encode_char(code_point, bytes.data());
  text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
}

bool is_letter(std::int32_t code_point) {
  const auto kind = category(code_point);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_number(std::int32_t code_point) {
  const auto kind = category(code_point);
  return kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO;
}

bool is_space(std::int32_t code_point) {
  if (code_point < 0x80) return code_point == ' ' || (code_point >= '\t' && code_point <= '\r');
  if (code_point == 0x85) return true;
  const auto kind = category(code_point);
  return kind == UTF8PROC_CATEGORY_ZS || kind == UTF8PROC_CATEGORY_ZL || kind == UTF8PROC_CATEGORY_ZP;
}

bool is_upper(std::int32_t code_point) {
  const auto kind = category(code_point);
  return kind == UTF8PROC_CATEGORY_LU || kind == UTF8PROC_CATEGORY_LT;
}

bool is_lower(std::int32_t code_point) { return category(code_point) == UTF8PROC_CATEGORY_LL; }

std::size_t mask_invalid_utf8(std::string& text) {
  std::size_t masked = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (!is_good(point)) {
      text[at] = '?';
      ++masked;
    }
    at += point.length;
  }
  return masked;
}

std::size_t find_invalid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (!is_good(point)) return at;
    at += point.length;
  }
  return std::string::npos;
}

Repair repair_utf8(std::string_view text) {
  Repair repair;
  repair.text.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (is_good(point)) {
      repair.text.append(text.substr(at, point.length));
    } else {
      repair.text.append("\xEF\xBF\xBD");
      if (repair.replaced++ == 0) repair.first_bad = at;
    }
    at += point.length;
  }
  return repair;
}

}  // namespace larimar::text
