#include "common/text/unicode_forms.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/file.h"
#include "common/text/unicode.h"
#include "tests/unit/text/support.h"

namespace larimar::text {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

TEST(NormalForm, ComposesAndDecomposesAndKeepsBytesThatAreNoText) {
  EXPECT_EQ(normal_form("e\u0301", NormalForm::kNfc), "\u00e9");
  EXPECT_EQ(normal_form("\u00e9", NormalForm::kNfd), "e\u0301");
  EXPECT_EQ(normal_form("\ufb01\u2460\u00e9", NormalForm::kNfkc), "fi1\u00e9");
  EXPECT_EQ(normal_form("\ufb01\u2460\u00e9", NormalForm::kNfkd), "fi1e\u0301");
  EXPECT_EQ(normal_form("\ufb01\u2460", NormalForm::kNfc), "\ufb01\u2460");
  EXPECT_EQ(normal_form("\u1100\u1161", NormalForm::kNfc), "\uac00");
  EXPECT_EQ(normal_form("a\u0323\u0307", NormalForm::kNfd), normal_form("a\u0307\u0323", NormalForm::kNfd));
  EXPECT_EQ(normal_form("", NormalForm::kNfc), "");
  EXPECT_EQ(normal_form("e\u0301\xff"
                        "e\u0301\xc3",
                        NormalForm::kNfc),
            "\u00e9\xff\u00e9\xc3");
  EXPECT_EQ(normal_form(std::string("a\0b", 3), NormalForm::kNfkc), std::string("a\0b", 3));
}

/// Made by tools/make_tokenizer_golden.py with the reference library.
TEST(NormalForm, OfEveryCodePointIsThatOfTheReferenceLibrary) {
  const auto expected =
      nlohmann::json::parse(base::read_file(test::source_dir() / "tests/data/tokenizers/forms.json"))["hashes"];
  const std::map<std::string, std::function<std::string(const std::string&)>> forms{
      {"NFC", [](const std::string& text) { return normal_form(text, NormalForm::kNfc); }},
      {"NFD", [](const std::string& text) { return normal_form(text, NormalForm::kNfd); }},
      {"NFKC", [](const std::string& text) { return normal_form(text, NormalForm::kNfkc); }},
      {"NFKD", [](const std::string& text) { return normal_form(text, NormalForm::kNfkd); }},
      {"Lowercase", [](const std::string& text) { return lowercase(text); }}};
  for (const auto& [name, form] : forms) {
    for (std::int32_t block = 0; block < 0x110000; block += 0x1000) {
      std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a
      for (std::int32_t c = block; c < block + 0x1000; ++c) {
        if (c >= 0xD800 && c < 0xE000) continue;
        std::string point;
        append_utf8(c, point);
        for (const char byte : form("a\u0301\u0323" + point + "\u0327" + point) + '\xff')
          hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3U;
      }
      std::array<char, 17> digits{};
      std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
      EXPECT_EQ(std::string(digits.data()), expected[name][static_cast<std::size_t>(block / 0x1000)].get<std::string>())
          << name << " of code points from " << block;
    }
  }
}

TEST(Lowercase, TakesEachCodePointAlone) {
  EXPECT_EQ(lowercase("ABC \u00c9\u0416\u03a3 stra\u00dfe"), "abc \u00e9\u0436\u03c3 stra\u00dfe");
  EXPECT_EQ(lowercase("\u0130"), "i\u0307");
  EXPECT_EQ(lowercase("A\xff"
                      "B\xe4\xba"),
            "a\xff"
            "b\xe4\xba");
}

TEST(Space, IsMeasuredAtBothEnds) {
  EXPECT_EQ(leading_space(" \u00a0\u3000\n x "), 8U);
  EXPECT_EQ(trailing_space(" x \u00a0\u3000\n"), 7U);
  EXPECT_EQ(leading_space("x "), 0U);
  EXPECT_EQ(trailing_space(" x"), 0U);
  EXPECT_EQ(leading_space(" \t"), 2U);
  EXPECT_EQ(trailing_space(" \t"), 2U);
  EXPECT_EQ(trailing_space(""), 0U);
  EXPECT_EQ(trailing_space("\u200b"), 0U);
  EXPECT_EQ(trailing_space("x\x80"), 0U);
}

TEST(Word, IsLetterMarkDigitConnectorOrJoiner) {
  for (const std::string yes : {"a", "\u00e9", "\u0301", "7", "\u0663", "_", "\u200d", "\u6771", "\u24b6", "\u2163"}) {
    EXPECT_TRUE(starts_with_word(yes + " ")) << yes;
    EXPECT_TRUE(ends_with_word(" " + yes)) << yes;
  }
  for (const std::string no : {"", " ", "-", "\u00bd", "\u2014", "\u2460", "\xff", "\xe6\x9d"}) {
    EXPECT_FALSE(starts_with_word(no)) << no;
    EXPECT_FALSE(ends_with_word(no)) << no;
  }
  EXPECT_FALSE(ends_with_word("a\x80"));
}

TEST(IncompleteTail, IsWhatMayYetBecomeACodePoint) {
  EXPECT_EQ(incomplete_tail(""), 0U);
  EXPECT_EQ(incomplete_tail("a"), 0U);
  EXPECT_EQ(incomplete_tail("\u00e9\u6771\U0001F600"), 0U);
  EXPECT_EQ(incomplete_tail("a\xc3"), 1U);
  EXPECT_EQ(incomplete_tail("\xe6\x9d"), 2U);
  EXPECT_EQ(incomplete_tail("a\xf0\x9f\x98"), 3U);
  EXPECT_EQ(incomplete_tail("\x80\x80"), 0U);
  EXPECT_EQ(incomplete_tail("\xc0"), 0U) << "begins nothing";
  EXPECT_EQ(incomplete_tail("\xe0\x80"), 0U) << "overlong";
  EXPECT_EQ(incomplete_tail("\xed\xa0"), 0U) << "a surrogate";
  EXPECT_EQ(incomplete_tail("\xf4\x90"), 0U) << "above U+10FFFF";
  EXPECT_EQ(incomplete_tail("\xf5"), 0U);
}

TEST(ShowUtf8, ReplacesEachBrokenBeginOnce) {
  EXPECT_EQ(show_utf8("a\u00e9\u6771\U0001F600"), "a\u00e9\u6771\U0001F600");
  EXPECT_EQ(show_utf8("\xff\xfe"), kBad + kBad);
  EXPECT_EQ(show_utf8("\xf0\x9f\x98"
                      "a"),
            kBad + "a");
  EXPECT_EQ(show_utf8("\xf0\x9f\x98"), kBad);
  EXPECT_EQ(show_utf8("\xe0\x80\x80"), kBad + kBad + kBad);
  EXPECT_EQ(show_utf8("\xed\xa0\x80"), kBad + kBad + kBad);
  EXPECT_EQ(show_utf8("\xc3\xc3\xa9"), kBad + "\u00e9");
  EXPECT_EQ(show_utf8(std::string("\0", 1)), std::string("\0", 1));
  base::Random random(5);
  for (int i = 0; i < 500; ++i) {
    const std::string bytes = test::random_bytes(random.below(60), random);
    EXPECT_TRUE(is_utf8(show_utf8(bytes)));
    EXPECT_EQ(is_utf8(bytes), show_utf8(bytes) == bytes);
  }
}

}  // namespace
}  // namespace larimar::text
