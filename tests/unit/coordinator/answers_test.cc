#include "coordinator/answers.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/text/unicode.h"
#include "tests/support/temporary_folder.h"

namespace larimar::coordinator {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

const Query kPrefixQuery = {.id = "key", .form = QueryForm::kPrefix, .text = "The pass key is"};
const Query kQuestion = {.id = "boat", .form = QueryForm::kQuestion, .text = "When does it leave?"};

Citation citation(std::uint64_t segment, double weight) {
  return {.document = "book.txt",
          .byte_begin = 10 * segment,
          .byte_end = 10 * segment + 9,
          .line = segment + 1,
          .excerpt = "text",
          .segment = segment,
          .shard = 2,
          .weight = weight};
}

AnswerSources sources(std::vector<std::string> decoded) {
  AnswerSources result{.decoded = std::move(decoded), .score = 0.75, .margin = 0.25, .timings = {{"read", 0.5}}};
  for (std::size_t i = 0; i < result.decoded.size(); ++i) result.citations.push_back(citation(i, i == 0 ? 1.0 : 0.0));
  return result;
}

std::vector<std::uint64_t> segments(const AnswerRecord& record) {
  std::vector<std::uint64_t> list;
  for (const Citation& entry : record.citations) list.push_back(entry.segment);
  return list;
}

TEST(AssembleAnswer, APrefixIsCompletedFromTheFirstReadThatHoldsIt) {
  const AnswerRecord record = assemble_answer(
      kPrefixQuery, sources({"Ships left the harbour.", "The pass key is 5.", "The pass key is 6."}), 0.5);
  EXPECT_EQ(record.answer, "5.");
  EXPECT_THAT(segments(record), ElementsAre(1, 0, 2));
  EXPECT_EQ(record.citations[0].weight, 0.0);  // weights stay with their segments
  EXPECT_EQ(record.citations[1].weight, 1.0);
  EXPECT_THAT(record.decoded, ElementsAre("Ships left the harbour.", "The pass key is 5.", "The pass key is 6."));
}

TEST(AssembleAnswer, APrefixThatNoReadHoldsGetsTheWholeFirstText) {
  const AnswerRecord record = assemble_answer(kPrefixQuery, sources({"Ships left.", "Rain fell."}), 0.5);
  EXPECT_EQ(record.answer, "Ships left.");
  EXPECT_THAT(segments(record), ElementsAre(0, 1));
}

TEST(AssembleAnswer, AQuestionGetsTheFirstText) {
  const AnswerRecord record =
      assemble_answer(kQuestion, sources({"The boat leaves at nine.", "When does it leave? No."}), 0.5);
  EXPECT_EQ(record.answer, "The boat leaves at nine.");
  EXPECT_EQ(record.id, "boat");
  EXPECT_EQ(record.text, kQuestion.text);
  EXPECT_EQ(record.form, QueryForm::kQuestion);
  EXPECT_EQ(record.margin, 0.25);
  EXPECT_EQ(record.timings.at("read"), 0.5);
}

TEST(AssembleAnswer, MembersOfOneCodebookRowKeepTheirOrder) {
  AnswerSources row = sources({"The pass key is 5."});
  row.citations = {citation(8, 0.5), citation(3, 0.5)};
  EXPECT_THAT(segments(assemble_answer(kPrefixQuery, row, 0.5)), ElementsAre(8, 3));
}

TEST(AssembleAnswer, ScopeIsTheThresholdItself) {
  EXPECT_TRUE(assemble_answer(kQuestion, sources({"a"}), 0.75).in_scope);
  EXPECT_FALSE(assemble_answer(kQuestion, sources({"a"}), 0.7501).in_scope);
}

TEST(AssembleAnswer, OutOfScopeTheAnswerIsEmptyAndSaysWhyButWhatWasReadIsListed) {
  const AnswerRecord record = assemble_answer(kPrefixQuery, sources({"Ships left.", "The pass key is 5."}), 0.8);
  EXPECT_EQ(record.answer, "");
  EXPECT_EQ(record.note,
            "answered without memory: its nearest segment has a key similarity of 0.75, below the scope's 0.8");
  EXPECT_THAT(record.decoded, ElementsAre("Ships left.", "The pass key is 5."));
  EXPECT_THAT(segments(record), ElementsAre(1, 0));
  EXPECT_EQ(assemble_answer(kPrefixQuery, sources({"Ships left."}), 0.75).note, "");
}

TEST(AssembleAnswer, NothingReadIsAnEmptyAnswerOutOfScope) {
  const AnswerRecord record = assemble_answer(kPrefixQuery, {.score = 1.0}, 0.5);
  EXPECT_EQ(record.answer, "");
  EXPECT_FALSE(record.in_scope);
  EXPECT_EQ(record.note, "answered without memory: nothing is written in it");
  EXPECT_TRUE(record.citations.empty());
}

TEST(AssembleAnswer, AScoreThatIsNoNumberIsOutOfScope) {
  AnswerSources broken = sources({"a"});
  broken.score = std::numeric_limits<double>::quiet_NaN();
  const AnswerRecord record = assemble_answer(kQuestion, broken, -1.0);
  EXPECT_FALSE(record.in_scope);
  EXPECT_EQ(record.answer, "");
  EXPECT_THAT(record.note, HasSubstr("without memory"));
}

TEST(AnswerJson, FieldsHaveTheirNamesInTheirOrder) {
  AnswerSources one = sources({"The pass key is 5."});
  EXPECT_EQ(to_json(assemble_answer(kPrefixQuery, one, 0.5)),
            R"({"id":"key","prefix":"The pass key is","answer":"5.","decoded":["The pass key is 5."],"score":0.75,)"
            R"("margin":0.25,"in_scope":true,"citations":[{"document":"book.txt","byte_begin":0,"byte_end":9,"line":1,)"
            R"("excerpt":"text","segment":0,"shard":2,"weight":1.0}],"timings":{"read":0.5}})");
}

TEST(AnswerJson, QuestionWithoutMarginAndCitations) {
  const ordered_json line = ordered_json::parse(to_json(assemble_answer(kQuestion, {}, 0.5)));
  EXPECT_EQ(line["question"], kQuestion.text);
  EXPECT_FALSE(line.contains("prefix"));
  EXPECT_TRUE(line["margin"].is_null());
  EXPECT_TRUE(line["citations"].is_array());
  EXPECT_TRUE(line["timings"].is_object());
}

TEST(AnswerJson, ANoteStandsBehindTheScopeAndOnlyOutOfIt) {
  const std::string out = to_json(assemble_answer(kQuestion, sources({"a"}), 0.9));
  EXPECT_THAT(out, HasSubstr(R"("in_scope":false,"note":"answered without memory: its nearest segment has a key )"));
  EXPECT_THAT(out, HasSubstr(R"("answer":"","decoded":["a"])"));
  EXPECT_FALSE(ordered_json::parse(to_json(assemble_answer(kQuestion, sources({"a"}), 0.5))).contains("note"));
}

TEST(AnswerJson, BrokenUtf8AndNewlinesStayOneLineOfJson) {
  AnswerSources broken = sources({"two\nlines \xFF"});
  broken.citations[0].excerpt = "cut \xE2\x82";
  broken.citations[0].document = "caf\xE9.txt";
  broken.margin = std::numeric_limits<double>::quiet_NaN();
  const std::string text = to_json(assemble_answer(kQuestion, broken, 0.5));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const ordered_json line = ordered_json::parse(text);
  EXPECT_EQ(line["answer"], "two\nlines \xEF\xBF\xBD");
  EXPECT_THAT(line["citations"][0]["excerpt"].get<std::string>(), HasSubstr("cut \xEF\xBF\xBD"));
  EXPECT_TRUE(line["margin"].is_null());
  broken.score = std::numeric_limits<double>::quiet_NaN();
  const ordered_json unknown = ordered_json::parse(to_json(assemble_answer(kQuestion, broken, 0.5)));
  EXPECT_TRUE(unknown["score"].is_null());
  EXPECT_EQ(unknown["in_scope"], false);
}

TEST(AnswerJson, ASegmentNumberOfSixtyFourBitsIsExact) {
  AnswerSources large = sources({"a"});
  large.citations[0].segment = std::numeric_limits<std::uint64_t>::max();
  const ordered_json line = ordered_json::parse(to_json(assemble_answer(kQuestion, large, 0.5)));
  EXPECT_EQ(line["citations"][0]["segment"].get<std::uint64_t>(), std::numeric_limits<std::uint64_t>::max());
}

class AnswerFileTest : public testing::Test {
 protected:
  support::TemporaryFolder folder_;
};

TEST_F(AnswerFileTest, ALineForEachAnswerAfterCommit) {
  const std::filesystem::path out = folder_.path() / "deep" / "out";
  AnswerWriter writer(out);
  writer.write(assemble_answer(kQuestion, sources({"a"}), 0.5));
  writer.write(assemble_answer(kPrefixQuery, sources({"b"}), 0.5));
  EXPECT_FALSE(std::filesystem::exists(out / "answers.jsonl"));
  writer.commit();
  std::istringstream lines(base::read_file(out / "answers.jsonl"));
  std::vector<std::string> ids;
  for (std::string line; std::getline(lines, line);) ids.push_back(ordered_json::parse(line)["id"]);
  EXPECT_THAT(ids, ElementsAre("boat", "key"));
}

TEST_F(AnswerFileTest, WithoutCommitTheOldFileStaysAndNothingElse) {
  const std::filesystem::path old = folder_.write("answers.jsonl", "old\n");
  { AnswerWriter(folder_.path()).write(assemble_answer(kQuestion, sources({"a"}), 0.5)); }
  EXPECT_EQ(base::read_file(old), "old\n");
  const std::filesystem::directory_iterator entries(folder_.path());
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST_F(AnswerFileTest, AFolderThatCannotBeMadeIsAnError) {
  const std::filesystem::path file = folder_.write("file", "x");
  try {
    AnswerWriter writer(file);
    ADD_FAILURE() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::ExitCode::kCannotCreate);
  }
}

TEST_F(AnswerFileTest, AnExcerptIsTheBytesOfTheSegment) {
  const std::filesystem::path document = folder_.write("a.txt", "One. Two\r\nthree. Four.");
  EXPECT_EQ(read_excerpt(document, 5, 16), "Two\r\nthree.");
  EXPECT_EQ(read_excerpt(document, 5, 5), "");
  EXPECT_EQ(read_excerpt(document, 17, 22), "Four.");
}

TEST_F(AnswerFileTest, ALongExcerptIsCutBetweenCodePoints) {
  std::string text = "ab";  // 400 is not a border of the three-byte characters that follow
  for (int i = 0; i < 300; ++i) text += "\xE2\x82\xAC";
  const std::string excerpt = read_excerpt(folder_.write("a.txt", text), 0, text.size());
  EXPECT_EQ(excerpt.size(), 398U);
  EXPECT_EQ(text::find_invalid_utf8(excerpt), std::string::npos);
  EXPECT_EQ(read_excerpt(folder_.write("b.txt", std::string(900, 'x')), 0, 900).size(), kMostExcerptBytes);
  EXPECT_EQ(read_excerpt(folder_.write("c.txt", std::string(900, '\x80')), 0, 900).size(), kMostExcerptBytes);
}

TEST_F(AnswerFileTest, ADocumentThatChangedGivesANote) {
  const std::filesystem::path document = folder_.write("a.txt", "short");
  EXPECT_THAT(read_excerpt(document, 3, 9), testing::AllOf(HasSubstr("bytes 3 to 9"), HasSubstr("has 5 bytes now")));
  EXPECT_THAT(read_excerpt(document, 4, 3), HasSubstr("[no excerpt"));
  EXPECT_THAT(read_excerpt(document, 0, std::numeric_limits<std::uint64_t>::max()), HasSubstr("[no excerpt"));
  EXPECT_THAT(read_excerpt(folder_.path() / "gone.txt", 0, 1), HasSubstr("[no excerpt: cannot read"));
}

}  // namespace
}  // namespace larimar::coordinator
