#include "eval/results.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using nlohmann::json;
using test::error_of;
using testing::HasSubstr;

Row make_row(const std::string& cell) {
  Row row;
  row.cell = cell;
  row.kind = "passkey";
  row.digits = 5;
  row.context_length = 1000;
  row.context.tokens = 998;
  row.depth = 12.5;
  row.seed = 3;
  row.key_mode = "prefix";
  row.form = "prefix";
  row.expected = {"81723"};
  row.answer.answer = "81723.";
  row.answer.citations = {{.document = "a.txt", .byte_begin = 1, .byte_end = 9, .excerpt = "..."}};
  row.score = {1, true, true, true, true, 1, 1, 1};
  return row;
}

class ResultLogTest : public testing::Test {
 protected:
  std::string open_error(const json& now) {
    return error_of<base::Error>([&] { ResultLog log(folder.path(), now); });
  }
  [[nodiscard]] fs::path file() const { return folder.path() / "results.jsonl"; }
  void add_text(const std::string& text) const { std::ofstream(file(), std::ios::app) << text; }

  test::TemporaryFolder folder;
  json configuration = {{"model", "small"}, {"keys", "minilm"}};
};

TEST_F(ResultLogTest, RowsComeBack) {
  {
    ResultLog log(folder.path(), configuration);
    log.append(make_row("a"));
    log.append(make_row("b"));
  }
  const ResultLog again(folder.path(), configuration);
  EXPECT_TRUE(again.has("a") && again.has("b"));
  EXPECT_FALSE(again.has("c"));
  const std::vector<Row> rows = read_results(file());
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].cell, "b");
  EXPECT_EQ(rows[1].digits, 5);
  EXPECT_EQ(rows[1].context.tokens, 998U);
  EXPECT_EQ(rows[1].depth, 12.5);
  EXPECT_TRUE(rows[1].score.retrieval_first);
}

TEST_F(ResultLogTest, ARowIsOnDiskWhenAppendReturns) {
  ResultLog log(folder.path(), configuration);
  log.append(make_row("a"));
  EXPECT_EQ(read_results(file()).size(), 1U);
}

TEST_F(ResultLogTest, BrokenUtf8FromAModelStaysJson) {
  ResultLog log(folder.path(), configuration);
  Row row = make_row("a");
  row.answer.answer = "\xff\xfe";
  log.append(row);
  EXPECT_EQ(read_results(file()).size(), 1U);
}

TEST_F(ResultLogTest, ALineThatACrashCutOffIsRemoved) {
  { ResultLog(folder.path(), configuration).append(make_row("a")); }
  add_text(R"({"schema_version":2,"task_)");
  EXPECT_EQ(read_results(file()).size(), 1U);
  ResultLog log(folder.path(), configuration);
  EXPECT_EQ(log.size(), 1U);
  log.append(make_row("b"));
  EXPECT_EQ(read_results(file()).size(), 2U);
}

TEST_F(ResultLogTest, ResultsOfAnotherConfigurationAreRefused) {
  { ResultLog(folder.path(), configuration).append(make_row("a")); }
  const json other = {{"model", "large"}, {"keys", "minilm"}, {"filler", 3}};
  const std::string error = open_error(other);
  EXPECT_THAT(error, HasSubstr("filler (nothing there, 3 now)"));
  EXPECT_THAT(error, HasSubstr("model (\"small\" there, \"large\" now)"));
  EXPECT_THAT(error, Not(HasSubstr("keys")));
  fs::remove(folder.path() / "manifest.json");  // rows know where they are from without it
  EXPECT_THAT(open_error(other), HasSubstr("results.jsonl, line 1: the row was made with another configuration"));
  EXPECT_EQ(open_error(configuration), "");
}

TEST_F(ResultLogTest, LinesThatAreNoRowsAreNamed) {
  { ResultLog(folder.path(), configuration).append(make_row("a")); }
  add_text("{}\n");
  EXPECT_THAT(open_error(configuration), HasSubstr("results.jsonl, line 2: the field \"context_length\" is missing"));
  base::write_file(file(), "nonsense\n");
  EXPECT_THAT(open_error(configuration), HasSubstr("results.jsonl, line 1: the line is not a JSON object"));
  base::write_file(folder.path() / "manifest.json", "[1");
  EXPECT_THAT(open_error(configuration), HasSubstr("manifest.json is not a JSON object"));
}

TEST_F(ResultLogTest, ValidRowsAreCountedAndFaultsNamed) {
  {
    ResultLog log(folder.path(), configuration);
    log.append(make_row("a"));
    log.append(make_row("b"));
  }
  const auto error = [&] { return error_of<base::Error>([&] { (void)validate_results(folder.path()); }); };
  EXPECT_EQ(validate_results(folder.path()), 2U);
  const std::string rows = base::read_file(file());
  add_text("{\"cut");
  EXPECT_THAT(error(), HasSubstr("line 3: the line is cut off"));
  base::write_file(file(), rows + rows);
  EXPECT_THAT(error(), HasSubstr("line 3: the cell a is there twice"));
  base::write_file(file(), rows);
  base::write_file(folder.path() / "manifest.json", "{}");
  EXPECT_THAT(error(), HasSubstr("line 1: the row was made with another configuration"));
  fs::remove(folder.path() / "manifest.json");
  EXPECT_THAT(error(), HasSubstr("manifest.json"));
}

TEST_F(ResultLogTest, AFileInTheWayOfTheFolderIsNamed) {
  folder.write("file", "x");
  EXPECT_THAT(error_of<base::Error>([&] { ResultLog log(folder.path() / "file", configuration); }), HasSubstr("file"));
}

TEST_F(ResultLogTest, AFullDiskIsNoticedAndLeavesWholeRows) {
  ResultLog log(folder.path(), configuration);
  log.append(make_row("a"));
  // A limit on the file's size stands for the full disk: writing fails in the middle of the line.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old_limit), 0);
  const rlimit limit{fs::file_size(file()) + 10, old_limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const std::string error = error_of<base::IoError>([&] { log.append(make_row("b")); });
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old_limit), 0);
  EXPECT_THAT(error, HasSubstr("cannot write to"));
  EXPECT_FALSE(log.has("b"));
  EXPECT_EQ(ResultLog(folder.path(), configuration).size(), 1U);
}

}  // namespace
}  // namespace larimar::eval
