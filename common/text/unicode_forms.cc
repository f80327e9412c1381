#include "common/text/unicode_forms.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>

#include "common/text/unicode.h"

namespace larimar::text {
namespace {

utf8proc_option_t options_of(NormalForm form) {
  const bool compose = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  return static_cast<utf8proc_option_t>(UTF8PROC_STABLE | (compose ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                                        (compatible ? UTF8PROC_COMPAT : 0));
}

std::string normal_form_of_valid(std::string_view text, NormalForm form) {
  if (text.empty()) return {};
  utf8proc_uint8_t* made = nullptr;
  const auto size = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                 static_cast<utf8proc_ssize_t>(text.size()), &made, options_of(form));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(made, &std::free);
  if (size < 0) throw std::bad_alloc();  // valid text of this length has no other way to fail
  return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(size)};
}

std::size_t last_begin(std::string_view text) {  // of the last code point, or stray byte; text is not empty
  const std::size_t stop = text.size() > 4 ? text.size() - 4 : 0;
  for (std::size_t at = text.size(); at-- > stop;) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
    return at + code_point_at(text, at).length == text.size() ? at : text.size() - 1;
  }
  return text.size() - 1;
}

bool is_word(std::int32_t c) {
  if (c < 0) return false;
  if (c == 0x200C || c == 0x200D) return true;
  // Circled and squared Latin letters are alphabetic though their category is symbol.
  if ((c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
      (c >= 0x1F170 && c <= 0x1F189))
    return true;
  const auto kind = utf8proc_category(c);
  return (kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_NL) || kind == UTF8PROC_CATEGORY_PC;
}

struct Lead {
  std::size_t length = 1;                               // bytes of the code point that it begins
  unsigned char second_low = 0x80, second_high = 0xBF;  // range of the byte behind it
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {.length = 2};
  if (byte >= 0xE0 && byte <= 0xEF) {
    return {.length = 3,
            .second_low = static_cast<unsigned char>(byte == 0xE0 ? 0xA0 : 0x80),
            .second_high = static_cast<unsigned char>(byte == 0xED ? 0x9F : 0xBF)};
  }
  if (byte >= 0xF0 && byte <= 0xF4) {
    return {.length = 4,
            .second_low = static_cast<unsigned char>(byte == 0xF0 ? 0x90 : 0x80),
            .second_high = static_cast<unsigned char>(byte == 0xF4 ? 0x8F : 0xBF)};
  }
  return {};
}

/// Bytes from `at` that begin one code point as far as they go; complete says whether they are all of it.
struct Begun {
  std::size_t length;
  bool complete;
};

Begun begun_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const Lead lead = lead_of(byte(0));
  if (lead.length == 1) return {1, byte(0) < 0x80};
  std::size_t length = 1;
  while (length < lead.length && at + length < text.size()) {
    const unsigned char low = length == 1 ? lead.second_low : 0x80;
    const unsigned char high = length == 1 ? lead.second_high : 0xBF;
    if (byte(length) < low || byte(length) > high) break;
    ++length;
  }
  return {length, length == lead.length};
}

}  // namespace

std::string normal_form(std::string_view text, NormalForm form) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (point.value == CodePoint::kInvalid) {
      out.append(normal_form_of_valid(text.substr(done, at - done), form)).push_back(text[at]);
      done = at + 1;
    }
    at += point.length;
  }
  return out.append(normal_form_of_valid(text.substr(done), form));
}

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (point.value == 0x130) {  // the only capital whose small form is two code points
      out += "i\u0307";
    } else if (point.value == CodePoint::kInvalid) {
      out.push_back(text[at]);
    } else {
      append_utf8(utf8proc_tolower(point.value), out);
    }
    at += point.length;
  }
  return out;
}

std::size_t leading_space(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const CodePoint point = code_point_at(text, at);
    if (!is_space(point.value)) break;
    at += point.length;
  }
  return at;
}

std::size_t trailing_space(std::string_view text) {
  std::string_view left = text;
  while (!left.empty()) {
    const std::size_t begin = last_begin(left);
    if (!is_space(code_point_at(left, begin).value)) break;
    left = left.substr(0, begin);
  }
  return text.size() - left.size();
}

bool starts_with_word(std::string_view text) { return !text.empty() && is_word(code_point_at(text, 0).value); }

bool ends_with_word(std::string_view text) {
  return !text.empty() && is_word(code_point_at(text, last_begin(text)).value);
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    if (point.value == CodePoint::kInvalid) return false;
    at += point.length;
  }
  return true;
}

std::size_t incomplete_tail(std::string_view text) {
  const std::size_t most = std::min<std::size_t>(3, text.size());
  for (std::size_t tail = 1; tail <= most; ++tail) {
    const std::size_t at = text.size() - tail;
    if (lead_of(static_cast<unsigned char>(text[at])).length == 1) continue;
    const Begun begun = begun_at(text, at);
    return begun.length == tail && !begun.complete ? tail : 0;
  }
  return 0;
}

std::string show_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Begun begun = begun_at(text, at);
    out.append(begun.complete ? text.substr(at, begun.length) : std::string_view("\xEF\xBF\xBD"));
    at += begun.length;
  }
  return out;
}

}  // namespace larimar::text
