#include "common/text/word_piece_words.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/text/word_piece_unicode.h"

namespace larimar::text {
namespace {

using bert::CodePoint;
using CodePoints = std::vector<CodePoint>;

constexpr CodePoint kReplacement = 0xFFFD;

CodePoints to_code_points(std::string_view text) {
  CodePoints points;
  points.reserve(text.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    CodePoint point = kReplacement;
    utf8proc_ssize_t used = utf8proc_iterate(bytes, left, &point);
    if (used <= 0) {
      point = kReplacement;
      used = 1;
    }
    points.push_back(point);
    bytes += used;
    left -= used;
  }
  return points;
}

void append_utf8(CodePoint point, std::string& text) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t size = utf8proc_encode_char(point, bytes.data());
  text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
}

CodePoints clean(const CodePoints& points) {
  CodePoints kept;
  kept.reserve(points.size());
  for (const CodePoint c : points) {
    if (c == 0 || c == kReplacement || bert::is_control(c)) continue;
    kept.push_back(bert::is_blank(c) ? ' ' : c);
  }
  return kept;
}

CodePoints space_chinese(const CodePoints& points) {
  CodePoints spaced;
  spaced.reserve(points.size());
  for (const CodePoint c : points) {
    if (bert::is_chinese(c)) {
      spaced.insert(spaced.end(), {' ', c, ' '});
    } else {
      spaced.push_back(c);
    }
  }
  return spaced;
}

/// Nonspacing marks are dropped while decomposing. What stays needs no canonical ordering, except that enclosing and
/// spacing marks with a combining class could swap places: those exist in no word of a vocabulary.
CodePoints strip_accents(const CodePoints& points) {
  constexpr std::size_t kLongest = 4;  // the longest canonical decomposition of one code point
  CodePoints stripped;
  stripped.reserve(points.size());
  for (const CodePoint c : points) {
    std::array<CodePoint, kLongest> parts{c};
    utf8proc_ssize_t count = 1;
    if (c >= 0x80) count = utf8proc_decompose_char(c, parts.data(), kLongest, UTF8PROC_DECOMPOSE, nullptr);
    for (utf8proc_ssize_t i = 0; i < count; ++i) {
      const CodePoint part = parts[static_cast<std::size_t>(i)];
      if (!bert::is_accent(part)) stripped.push_back(part);
    }
  }
  return stripped;
}

CodePoints lowercase(const CodePoints& points) {
  CodePoints lowered;
  lowered.reserve(points.size());
  for (const CodePoint c : points) {
    if (c == 0x130) {  // the only capital whose small form is two code points
      lowered.insert(lowered.end(), {'i', 0x307});
    } else {
      lowered.push_back(utf8proc_tolower(c));
    }
  }
  return lowered;
}

}  // namespace

std::vector<std::string> split_bert_words(std::string_view text, const BertNormalization& how) {
  CodePoints points = to_code_points(text);
  if (how.clean_text) points = clean(points);
  if (how.space_chinese) points = space_chinese(points);
  if (how.strip_accents) points = strip_accents(points);
  if (how.lowercase) points = lowercase(points);
  std::vector<std::string> words;
  bool open = false;  // the last word takes more
  for (const CodePoint c : points) {
    const bool blank = bert::is_blank(c);
    const bool alone = !blank && bert::is_punctuation(c);
    if (!blank && (alone || !open)) words.emplace_back();
    if (!blank) append_utf8(c, words.back());
    open = !blank && !alone;
  }
  return words;
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace larimar::text
