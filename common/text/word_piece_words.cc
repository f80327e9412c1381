#include "common/text/word_piece_words.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "common/text/unicode.h"
#include "common/text/word_piece_unicode.h"

namespace larimar::text {
namespace {

using CodePoints = std::vector<bert::CodePoint>;

constexpr bert::CodePoint kReplacement = 0xFFFD;

CodePoints to_code_points(std::string_view text) {
  CodePoints points;
  points.reserve(text.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  auto left = static_cast<utf8proc_ssize_t>(text.size());
  while (left > 0) {
    bert::CodePoint point = kReplacement;
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

CodePoints clean(const CodePoints& points) {
  CodePoints kept;
  kept.reserve(points.size());
  for (const bert::CodePoint c : points) {
    if (c == 0 || c == kReplacement || bert::is_control(c)) continue;
    kept.push_back(bert::is_blank(c) ? ' ' : c);
  }
  return kept;
}

CodePoints space_chinese(const CodePoints& points) {
  CodePoints spaced;
  spaced.reserve(points.size());
  for (const bert::CodePoint c : points) {
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
  for (const bert::CodePoint c : points) {
    std::array<bert::CodePoint, kLongest> parts{c};
    utf8proc_ssize_t count = 1;
    if (c >= 0x80) count = utf8proc_decompose_char(c, parts.data(), kLongest, UTF8PROC_DECOMPOSE, nullptr);
    for (utf8proc_ssize_t i = 0; i < count; ++i) {
      const bert::CodePoint part = parts[static_cast<std::size_t>(i)];
      if (!bert::is_accent(part)) stripped.push_back(part);
    }
  }
  return stripped;
}

CodePoints lowercase(const CodePoints& points) {
  CodePoints lowered;
  lowered.reserve(points.size());
  for (const bert::CodePoint c : points) {
    if (c == 0x130) {  // the only capital whose small form is two code points
      lowered.insert(lowered.end(), {'i', 0x307});
    } else {
      lowered.push_back(utf8proc_tolower(c));
    }
  }
  return lowered;
}

}  // namespace

std::string normalize_bert(std::string_view text, const BertNormalization& how) {
  CodePoints points = to_code_points(text);
  if (how.clean_text) points = clean(points);
  if (how.space_chinese) points = space_chinese(points);
  if (how.strip_accents) points = strip_accents(points);
  if (how.lowercase) points = lowercase(points);
  std::string normal;
  normal.reserve(text.size());
  for (const bert::CodePoint c : points) append_utf8(c, normal);
  return normal;
}

std::vector<std::string_view> split_bert_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;  // of the word that is open
  const auto close = [&](std::size_t end) {
    if (end > begin) words.push_back(text.substr(begin, end - begin));
  };
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = code_point_at(text, at);
    const std::size_t end = at + point.length;
    const bool blank = bert::is_blank(point.value);
    if (blank || bert::is_punctuation(point.value)) {
      close(at);
      if (!blank) words.push_back(text.substr(at, point.length));
      begin = end;
    }
    at = end;
  }
  close(text.size());
  return words;
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace larimar::text
