#include "common/text/unicode_versions.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <utility>

namespace larimar::text {
namespace {

using Range = std::pair<std::int32_t, std::int32_t>;  // both ends belong to it

constexpr std::array<Range, 47> kInert{
    {{0x7FD, 0x7FD},     {0x898, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},     {0xC3C, 0xC3C},
     {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},   {0x1ABF, 0x1ACE},   {0x1DF6, 0x1DFA},
     {0x32FF, 0x32FF},   {0xA7F2, 0xA7F4},   {0xA82C, 0xA82C},   {0xAB69, 0xAB69},   {0x10781, 0x10785},
     {0x10787, 0x107B0}, {0x107B2, 0x107BA}, {0x10D24, 0x10D27}, {0x10EAB, 0x10EAC}, {0x10EFD, 0x10EFF},
     {0x10F46, 0x10F50}, {0x10F82, 0x10F85}, {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x1145E, 0x1145E},
     {0x11839, 0x1183A}, {0x11935, 0x11935}, {0x11938, 0x11938}, {0x1193D, 0x1193E}, {0x11943, 0x11943},
     {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47}, {0x11A99, 0x11A99}, {0x11D42, 0x11D42},
     {0x11D44, 0x11D45}, {0x11D97, 0x11D97}, {0x11F41, 0x11F42}, {0x16FF0, 0x16FF1}, {0x1E030, 0x1E06D},
     {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF},
     {0x1F16C, 0x1F16C}, {0x1FBF0, 0x1FBF9}}};

struct Capitals {
  std::int32_t first, last, small;  // `small` belongs to `first`
};

constexpr std::array<Capitals, 10> kNewCapitals{{{0x1C89, 0x1C89, 0x1C8A},
                                                 {0xA7CB, 0xA7CB, 0x264},
                                                 {0xA7CC, 0xA7CC, 0xA7CD},
                                                 {0xA7CE, 0xA7CE, 0xA7CF},
                                                 {0xA7D2, 0xA7D2, 0xA7D3},
                                                 {0xA7D4, 0xA7D4, 0xA7D5},
                                                 {0xA7DA, 0xA7DA, 0xA7DB},
                                                 {0xA7DC, 0xA7DC, 0x19B},
                                                 {0x10D50, 0x10D65, 0x10D70},
                                                 {0x16EA0, 0x16EB8, 0x16EBB}}};

}  // namespace

bool is_inert_in_forms(std::int32_t code_point) {
  if (code_point < kInert.front().first) return false;
  const auto* const next = std::upper_bound(kInert.begin(), kInert.end(), code_point,
                                            [](std::int32_t value, const Range& range) { return value < range.first; });
  return code_point <= (next - 1)->second;
}

std::int32_t to_lower(std::int32_t code_point) {
  if (code_point < kNewCapitals.front().first) return utf8proc_tolower(code_point);
  for (const Capitals& each : kNewCapitals) {
    if (code_point >= each.first && code_point <= each.last) return each.small + code_point - each.first;
  }
  return utf8proc_tolower(code_point);
}

}  // namespace larimar::text
