#include "coordinator/queries.h"

#include <gmock/gmock.h>

#include "tests/support/temporary_folder.h"

namespace larimar::coordinator {
namespace {

using testing::HasSubstr;
using testing::Not;

class QueriesTest : public testing::Test {
 protected:
  QueryFile read(std::string_view text) { return read_queries(folder_.write("queries.jsonl", text)); }

  /// Why `line` is left out, between two good lines that are both answered.
  std::string reason(std::string_view line) {
    const QueryFile file = read(R"({"id": "one", "prefix": "a"})"
                                "\n" +
                                std::string(line) +
                                "\n"
                                R"({"id": "end", "prefix": "b"})"
                                "\n");
    EXPECT_EQ(file.queries.size(), 2U);
    if (file.bad.size() != 1) return "no bad line";
    EXPECT_EQ(file.bad[0].line, 2U);
    return file.bad[0].reason;
  }

  template <class Kind>
  std::string error(std::string_view text) {
    try {
      static_cast<void>(read(text));
    } catch (const Kind& failure) {
      return failure.what();
    }
    return "no such error";
  }

  support::TemporaryFolder folder_;
};

TEST_F(QueriesTest, FormsIdsAndLines) {
  const QueryFile file = read(
      "{\"id\": \"key\", \"prefix\": \"The pass key is\"}\n"
      "{\"id\": -7, \"question\": \"When?\", \"expect\": [1, {\"prefix\": 2}]}\n"
      "{\"prefix\": \" \\u00e9 \"}\n");
  EXPECT_TRUE(file.bad.empty());
  ASSERT_EQ(file.queries.size(), 3U);
  EXPECT_EQ(file.queries[0].id, "key");
  EXPECT_EQ(file.queries[0].form, QueryForm::kPrefix);
  EXPECT_EQ(file.queries[0].text, "The pass key is");
  EXPECT_EQ(file.queries[1].id, "-7");
  EXPECT_EQ(file.queries[1].form, QueryForm::kQuestion);
  EXPECT_EQ(file.queries[1].text, "When?");
  EXPECT_EQ(file.queries[2].id, "q3");
  EXPECT_EQ(file.queries[2].text, " \xC3\xA9 ");
  EXPECT_EQ(file.queries[2].line, 3U);
}

TEST_F(QueriesTest, ByteOrderMarkCrlfMissingLastNewlineAndBlankEndAreFine) {
  const QueryFile file = read("\xEF\xBB\xBF{\"prefix\": \"a\"}\r\n{\"prefix\": \"b\"}");
  EXPECT_TRUE(file.bad.empty());
  EXPECT_EQ(file.queries.size(), 2U);
  EXPECT_TRUE(read("{\"prefix\": \"a\"}\n\n \r\n").bad.empty());
}

TEST_F(QueriesTest, LinesThatAreNoObject) {
  EXPECT_EQ(reason("{\"prefix\": \"a\" \"id\": 1}"), "the line is not JSON at column 19");
  EXPECT_EQ(reason("{\"prefix\": \"\xC3\xA9\" \"id\": 1}"), "the line is not JSON at column 19");
  EXPECT_THAT(reason("The pass key is"), HasSubstr("not JSON at column 1"));
  EXPECT_THAT(reason("{\"prefix\": \"a\"} {}"), HasSubstr("not JSON"));
  EXPECT_THAT(reason("{\"prefix\": \"cut o"), HasSubstr("not JSON"));
  EXPECT_THAT(reason("{\"prefix\": \"\\ud800\"}"), HasSubstr("not JSON"));
  EXPECT_EQ(reason("[\"prefix\"]"), "the line is not a JSON object");
  EXPECT_EQ(reason(""), "the line is empty");
  EXPECT_EQ(reason(" \t\xC2\xA0"), "the line is empty");
}

TEST_F(QueriesTest, ManyOpenBracketsAreOneBadLine) {
  EXPECT_THAT(reason(std::string(kMostQueryLineBytes, '[')), HasSubstr("not JSON"));
}

TEST_F(QueriesTest, FieldsThatMakeNoQuery) {
  EXPECT_THAT(reason("{\"id\": \"x\"}"), HasSubstr("neither prefix nor question"));
  EXPECT_THAT(reason("{\"prefix\": \"a\", \"question\": \"b\"}"), HasSubstr("both prefix and question"));
  EXPECT_EQ(reason("{\"prefix\": 5}"), "prefix must be a string");
  EXPECT_EQ(reason("{\"question\": null}"), "question must be a string");
  EXPECT_EQ(reason("{\"prefix\": \"\"}"), "prefix is empty");
  EXPECT_EQ(reason("{\"question\": \" \\n\\u3000\"}"), "question is empty");
  EXPECT_EQ(reason("{\"prefix\": \"a\\u0000b\"}"), "prefix holds a NUL character");
  EXPECT_EQ(reason("{\"prefix\": \"a\", \"prefix\": \"b\"}"), "the field \"prefix\" appears twice");
  EXPECT_EQ(reason("{\"id\": 1.5, \"prefix\": \"a\"}"), "id must be a string or an integer");
  EXPECT_EQ(reason("{\"id\": null, \"prefix\": \"a\"}"), "id must be a string or an integer");
  EXPECT_EQ(reason("{\"id\": \"\", \"prefix\": \"a\"}"), "id is empty");
}

TEST_F(QueriesTest, BytesThatAreNoText) {
  EXPECT_EQ(reason("{\"prefix\": \"\xC3\xA9\xFF\"}"), "invalid UTF-8 at column 14");
  EXPECT_EQ(reason(std::string("{\"prefix\": \"a\0\"}", 16)), "a NUL byte stands at column 14");
}

TEST_F(QueriesTest, ADuplicateIdNamesTheFirstLine) {
  EXPECT_EQ(reason("{\"id\": \"one\", \"prefix\": \"again\"}"), "the id \"one\" was used in line 1");
  const QueryFile file = read(
      "{\"prefix\": \"a\"}\n{\"id\": \"q1\", \"prefix\": \"b\"}\n{\"id\": 3, \"prefix\": \"c\"}\n{\"id\": \"3\", "
      "\"prefix\": \"d\"}\n");
  ASSERT_EQ(file.bad.size(), 2U);
  EXPECT_EQ(file.bad[0].reason, "the id \"q1\" was used in line 1");
  EXPECT_EQ(file.bad[1].reason, "the id \"3\" was used in line 3");
}

TEST_F(QueriesTest, TheIdOfABadLineStaysFree) {
  const QueryFile file = read("{\"id\": \"x\", \"prefix\": \"\"}\n{\"id\": \"x\", \"prefix\": \"b\"}\n");
  ASSERT_EQ(file.queries.size(), 1U);
  EXPECT_EQ(file.queries[0].line, 2U);
}

TEST_F(QueriesTest, ALongIdIsCutInTheMessageBetweenCodePoints) {
  std::string id;
  for (int i = 0; i < 1000; ++i) id += "\xE2\x82\xAC";
  const std::string line = "{\"id\": \"" + id + "\", \"prefix\": \"a\"}\n";
  const QueryFile file = read(line + line);
  ASSERT_EQ(file.bad.size(), 1U);
  EXPECT_EQ(file.bad[0].reason, "the id \"" + id.substr(0, 60) + "...\" was used in line 1");
}

TEST_F(QueriesTest, ALineMayHaveOneMebibyteAndNotMore) {
  const std::string frame = R"({"prefix": ""})";
  const auto line = [&](std::size_t size) { return R"({"prefix": ")" + std::string(size - frame.size(), 'a') + "\"}"; };
  EXPECT_EQ(read(line(kMostQueryLineBytes)).queries.size(), 1U);
  EXPECT_EQ(reason(line(kMostQueryLineBytes + 1)), "the line has 1048577 bytes; at most 1048576 are read");
}

TEST_F(QueriesTest, AFileWithoutAQueryNamesItsFirstBadLines) {
  EXPECT_THAT(error<base::UsageError>("a\n{}\n"), HasSubstr("queries.jsonl holds no query that can be read: line 1: "));
  const std::string text = error<base::UsageError>("{}\n[]\n{}\n{}\n{}\n");
  EXPECT_THAT(text, HasSubstr("line 2: the line is not a JSON object; line 3: "));
  EXPECT_THAT(text, HasSubstr("; and 2 more lines"));
  EXPECT_THAT(text, Not(HasSubstr("line 4")));
}

TEST_F(QueriesTest, MissingAndEmptyFilesAreMissingInput) {
  EXPECT_THROW(static_cast<void>(read_queries(folder_.path() / "absent.jsonl")), base::MissingInputError);
  EXPECT_THROW(static_cast<void>(read_queries(folder_.path())), base::MissingInputError);
  EXPECT_THAT(error<base::MissingInputError>(""), HasSubstr("is empty"));
  EXPECT_THAT(error<base::MissingInputError>("\n\n"), HasSubstr("is empty"));
  EXPECT_THAT(error<base::MissingInputError>("\xEF\xBB\xBF"), HasSubstr("is empty"));
}

TEST(MakeQuery, AQuestionMarkAtTheEndDecides) {
  EXPECT_EQ(make_query("When does the boat leave?").form, QueryForm::kQuestion);
  EXPECT_EQ(make_query("When does the boat leave? \n").form, QueryForm::kQuestion);
  EXPECT_EQ(make_query("Why? Because").form, QueryForm::kPrefix);
  const Query query = make_query("The pass key is ");
  EXPECT_EQ(query.form, QueryForm::kPrefix);
  EXPECT_EQ(query.id, "q1");
  EXPECT_EQ(query.text, "The pass key is ");
  EXPECT_EQ(query.line, 0U);
}

TEST(MakeQuery, TextThatIsNoneIsAUsageError) {
  EXPECT_THROW(static_cast<void>(make_query("")), base::UsageError);
  EXPECT_THROW(static_cast<void>(make_query(" \n\xC2\xA0")), base::UsageError);
  EXPECT_THROW(static_cast<void>(make_query("a\xFF?")), base::UsageError);
  EXPECT_THROW(static_cast<void>(make_query(std::string_view("a\0b", 3))), base::UsageError);
}

}  // namespace
}  // namespace larimar::coordinator
