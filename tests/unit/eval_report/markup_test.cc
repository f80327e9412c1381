#include "eval/report/markup.h"

#include <gmock/gmock.h>

#include "tests/unit/eval_report/support.h"

namespace larimar::eval::report {
namespace {

TEST(Escape, NothingLeavesItsPlace) {
  EXPECT_EQ(escape("<script>\"a\" & 'b'</script>"), "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
  EXPECT_EQ(escape("]]>"), "]]&gt;");
  for (const char* text : test::kHostile)
    EXPECT_EQ(escape(text).find_first_of("<>\"'\x01\x7F"), std::string::npos) << text;
}

TEST(Escape, LettersStayAndWhatTurnsNeighboursGoes) {
  EXPECT_EQ(escape("\xD7\xA9\xD7\x9C \xC3\xA9 \xF0\x9F\x98\x80"), "\xD7\xA9\xD7\x9C \xC3\xA9 \xF0\x9F\x98\x80");
  for (const char* turner :
       {"\xE2\x80\xAE", "\xE2\x80\xAA", "\xE2\x81\xA6", "\xE2\x81\xA9", "\xE2\x80\x8F", "\xD8\x9C"})
    EXPECT_EQ(escape(turner), "\xEF\xBF\xBD");
  EXPECT_EQ(escape(std::string_view("a\0b\x1B", 4)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD");
  EXPECT_EQ(escape("\xEF\xBF\xBE"), "\xEF\xBF\xBD") << "not a character of XML";
  EXPECT_EQ(escape("a\xFFz\xC3"), "a\xEF\xBF\xBDz\xEF\xBF\xBD") << "not UTF-8";
  EXPECT_EQ(escape("a\n\tb"), "a  b");
}

TEST(CsvField, IsQuotedWhereItMustBe) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("a \"b\"\n"), "\"a \"\"b\"\"\n\"");
}

TEST(Slug, IsAFileNameWhateverTheText) {
  EXPECT_EQ(slug("SmolLM2-135M, full context"), "smollm2-135m-full-context");
  EXPECT_EQ(slug("../../etc/passwd"), "etc-passwd");
  EXPECT_EQ(slug("\xD7\xA9"), "figure");
  EXPECT_EQ(slug(std::string(500, 'a')).size(), 60U);
  EXPECT_EQ(slug(std::string(59, 'a') + "--b"), std::string(59, 'a'));
}

TEST(ShellWord, CanBeTypedAgain) {
  EXPECT_EQ(shell_word("--out"), "--out");
  EXPECT_EQ(shell_word("a b"), "'a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace larimar::eval::report
