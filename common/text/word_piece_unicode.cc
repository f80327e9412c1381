#include "common/text/word_piece_unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <utility>

namespace larimar::text::bert {
namespace {

using Range = std::pair<CodePoint, CodePoint>;  // both ends belong to it

/// Where today's Unicode has marks, punctuation or format signs that the reference takes for letters. The ranges also
/// span letters and unassigned code points, which are ordinary either way. Sorted.
constexpr std::array<Range, 43> kOrdinary{
    {{0x61D, 0x61D},     {0x7FD, 0x7FD},     {0x890, 0x8E2},     {0x9FD, 0x9FE},     {0xA76, 0xA76},
     {0xAFA, 0xAFF},     {0xB55, 0xB55},     {0xC04, 0xC3C},     {0xC77, 0xC77},     {0xC84, 0xC84},
     {0xD00, 0xD00},     {0xD3B, 0xD3C},     {0xD81, 0xD81},     {0xEBA, 0xEBA},     {0xECE, 0xECE},
     {0x1734, 0x1734},   {0x180F, 0x1886},   {0x1ABF, 0x1ACE},   {0x1B7D, 0x1B7E},   {0x1DF6, 0x1DFB},
     {0x2E43, 0x2E5D},   {0xA82C, 0xA82C},   {0xA8C5, 0xA8C5},   {0xA8FF, 0xA8FF},   {0xA9BD, 0xA9BD},
     {0x10D24, 0x10F89}, {0x11070, 0x11074}, {0x110C2, 0x110CD}, {0x111C9, 0x111C9}, {0x111CF, 0x111CF},
     {0x1123E, 0x11241}, {0x1133B, 0x1133B}, {0x11438, 0x1145E}, {0x11660, 0x1166C}, {0x116B9, 0x116B9},
     {0x1182F, 0x1183B}, {0x1193B, 0x11FFF}, {0x12FF1, 0x13455}, {0x16E97, 0x16F4F}, {0x16FE2, 0x16FE4},
     {0x1CF00, 0x1CF46}, {0x1E000, 0x1E4EF}, {0x1E944, 0x1E95F}}};

constexpr std::array<Range, 8> kChinese{{{0x3400, 0x4DBF},
                                         {0x4E00, 0x9FFF},
                                         {0xF900, 0xFAFF},
                                         {0x20000, 0x2A6DF},
                                         {0x2A700, 0x2B73F},
                                         {0x2B740, 0x2B81F},
                                         {0x2B920, 0x2CEAF},
                                         {0x2F800, 0x2FA1F}}};

template <std::size_t kCount>
bool is_in(CodePoint c, const std::array<Range, kCount>& ranges) {
  const auto* const next = std::upper_bound(ranges.begin(), ranges.end(), c,
                                            [](CodePoint value, const Range& range) { return value < range.first; });
  return next != ranges.begin() && c <= (next - 1)->second;
}

utf8proc_category_t category(CodePoint c) { return is_in(c, kOrdinary) ? UTF8PROC_CATEGORY_LO : utf8proc_category(c); }

}  // namespace

bool is_blank(CodePoint c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_control(CodePoint c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  const utf8proc_category_t found = category(c);
  return found == UTF8PROC_CATEGORY_CC || found == UTF8PROC_CATEGORY_CF || found == UTF8PROC_CATEGORY_CO;
}

bool is_punctuation(CodePoint c) {
  if (c < 0x80)
    return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) || (c >= 0x7B && c <= 0x7E);
  constexpr CodePoint kCanadianChi = 0x166D;     // was punctuation, is a symbol today
  constexpr CodePoint kSharadaSandhi = 0x111C9;  // was punctuation, is a mark today
  const utf8proc_category_t found = category(c);
  return c == kCanadianChi || c == kSharadaSandhi || (found >= UTF8PROC_CATEGORY_PC && found <= UTF8PROC_CATEGORY_PO);
}

bool is_accent(CodePoint c) {
  constexpr CodePoint kHanunooPamudpod = 0x1734;  // was nonspacing, is a spacing mark today
  return c >= 0x80 && (c == kHanunooPamudpod || category(c) == UTF8PROC_CATEGORY_MN);
}

bool is_chinese(CodePoint c) { return is_in(c, kChinese); }

}  // namespace larimar::text::bert
