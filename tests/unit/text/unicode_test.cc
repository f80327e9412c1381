#include "common/text/unicode.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/text/support.h"

namespace larimar::text {
namespace {

const std::string kReplacement = "\xEF\xBF\xBD";

struct Case {
  const char* name;
  std::string text, repaired;
  std::size_t replaced, first_bad;
};

TEST(RepairUtf8, EveryBadByteIsReplacedCountedAndPlaced) {
  const std::string bad = kReplacement;
  const Case cases[] = {
      {"empty", "", "", 0, std::string::npos},
      {"good", "aé東😀", "aé東😀", 0, std::string::npos},
      {"lone continuation",
       "a\x80"
       "b",
       "a" + bad + "b", 1, 1},
      {"overlong slash", "\xC0\xAF", bad + bad, 2, 0},
      {"overlong of three", "ab\xE0\x80\xAF", "ab" + bad + bad + bad, 3, 2},
      {"overlong of four", "\xF0\x80\x80\xAF", bad + bad + bad + bad, 4, 0},
      {"surrogate", "x\xED\xA0\x80y", "x" + bad + bad + bad + "y", 3, 1},
      {"above U+10FFFF", "\xF4\x90\x80\x80", bad + bad + bad + bad, 4, 0},
      {"highest", "\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF", 0, std::string::npos},
      {"cut after one of two", "ab\xC3", "ab" + bad, 1, 2},
      {"cut after two of three", "ab\xE6\x9D", "ab" + bad + bad, 2, 2},
      {"cut after three of four", "\xF0\x9F\x98", bad + bad + bad, 3, 0},
      {"cut, then good",
       "\xE6\x9D"
       "a",
       bad + bad + "a", 2, 0},
      {"NUL", std::string("a\0b\0", 4), "a" + bad + "b" + bad, 2, 1},
      {"FE and FF", "\xFE\xFF", bad + bad, 2, 0},
      {"byte order mark",
       "\xEF\xBB\xBF"
       "a",
       "\xEF\xBB\xBF"
       "a",
       0, std::string::npos},
  };
  for (const Case& each : cases) {
    const Repair repair = repair_utf8(each.text);
    EXPECT_EQ(repair.text, each.repaired) << each.name;
    EXPECT_EQ(repair.replaced, each.replaced) << each.name;
    EXPECT_EQ(repair.first_bad, each.first_bad) << each.name;
    EXPECT_EQ(find_invalid_utf8(each.text), each.first_bad) << each.name;
  }
}

TEST(RepairUtf8, ResultOfRandomBytesIsValidAndAccountsForEveryByte) {
  base::Random random(11);
  for (int i = 0; i < 300; ++i) {
    const std::string bytes = test::random_bytes(random.below(200), random) + test::random_text(3, random);
    const Repair repair = repair_utf8(bytes);
    EXPECT_EQ(find_invalid_utf8(repair.text), std::string::npos);
    EXPECT_EQ(repair.text.size(), bytes.size() + 2 * repair.replaced);
    EXPECT_EQ(repair.first_bad, find_invalid_utf8(bytes));
    EXPECT_EQ(repair_utf8(repair.text).replaced, 0U);
  }
}

std::string utf8(std::uint32_t value) {  // written out, not taken from the code under test
  const auto byte = [](std::uint32_t bits) { return static_cast<char>(bits); };
  if (value < 0x80) return {byte(value)};
  if (value < 0x800) return {byte(0xC0 | (value >> 6)), byte(0x80 | (value & 0x3F))};
  if (value < 0x10000)
    return {byte(0xE0 | (value >> 12)), byte(0x80 | ((value >> 6) & 0x3F)), byte(0x80 | (value & 0x3F))};
  return {byte(0xF0 | (value >> 18)), byte(0x80 | ((value >> 12) & 0x3F)), byte(0x80 | ((value >> 6) & 0x3F)),
          byte(0x80 | (value & 0x3F))};
}

TEST(CodePointAt, ReadsEveryCodePointAndNoSurrogate) {
  for (std::uint32_t value = 0; value < 0x110000; ++value) {
    const std::string text = utf8(value);
    const CodePoint point = code_point_at(text + "z", 0);
    const bool surrogate = value >= 0xD800 && value < 0xE000;
    ASSERT_EQ(point.value, surrogate ? CodePoint::kInvalid : static_cast<std::int32_t>(value));
    ASSERT_EQ(point.length, surrogate ? 1 : text.size()) << value;
  }
}

TEST(Categories, OfOneMemberEach) {
  EXPECT_TRUE(is_letter('a') && is_letter(0xE9) && is_letter(0x6771) && is_letter(0x1D400));
  EXPECT_FALSE(is_letter('1') || is_letter('_') || is_letter(0x301) || is_letter(CodePoint::kInvalid));
  EXPECT_TRUE(is_number('0') && is_number(0x664) && is_number(0xBD) && is_number(0x216B));
  EXPECT_FALSE(is_number('a') || is_number('.') || is_number(CodePoint::kInvalid));
  EXPECT_TRUE(is_space(' ') && is_space('\n') && is_space(0x85) && is_space(0xA0) && is_space(0x2028) &&
              is_space(0x3000));
  EXPECT_FALSE(is_space(0x200B) || is_space('\0') || is_space('a') || is_space(0x1C) || is_space(CodePoint::kInvalid));
  EXPECT_TRUE(is_upper('A') && is_upper(0x1C5) && !is_upper('a') && !is_upper('1'));
  EXPECT_TRUE(is_lower('a') && is_lower(0xDF) && !is_lower('A') && !is_lower('1'));
}

}  // namespace
}  // namespace larimar::text
