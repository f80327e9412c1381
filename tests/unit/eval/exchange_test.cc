#include <gmock/gmock.h>

#include <fstream>

#include "eval/dataset.h"
#include "eval/export.h"
#include "eval/merge.h"
#include "eval/results.h"
#include "eval/runner.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using nlohmann::json;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

class ExchangeTest : public testing::Test {
 protected:
  fs::path import(const std::string& format, const std::string& text) {
    count = import_dataset(folder.write(format + "_x.jsonl", text), format, folder.path() / "set");
    return folder.path() / "set";
  }
  std::string import_error(const std::string& format, const std::string& text) {
    return error_of<base::FormatError>([&] { import(format, text); });
  }
  static Row make_row(const std::string& cell, double value) {
    Row row;
    row.cell = cell;
    row.kind = "multi";
    row.context_length = 500;
    row.context.tokens = 510;
    row.form = "prefix";
    row.prompt = "The key, he said, is";
    row.expected = {"a", "b"};
    row.answer.answer = value > 0 ? "a \"b\"" : "";
    row.score.value = value;
    return row;
  }
  void write_rows(const std::string& name, const std::vector<std::string>& cells,
                  const json& configuration = {{"x", 1}}) {
    ResultLog log(folder.path(), configuration, name);
    for (const std::string& cell : cells) log.append(make_row(cell, cell == "c" ? 0 : 1));
  }
  std::string read(const std::string& name) { return base::read_file(folder.path() / name); }

  test::TemporaryFolder folder;
  std::size_t count = 0;
};

TEST_F(ExchangeTest, ImportedItemsAreAskedAsTheyAre) {
  const fs::path set =
      import("ruler", R"({"index":0,"input":"Text one.\nText two.\nWhich number?","outputs":["12","34"],"length":4096})"
                      "\n");
  EXPECT_EQ(count, 1U);
  const Task task = dataset_task(set);
  ASSERT_EQ(task.trials.size(), 1U);
  const TaskTrial& trial = task.trials[0];
  EXPECT_EQ(base::read_file(trial.document), "Text one.\nText two.\n");
  EXPECT_EQ(trial.document_length, 4096U);
  EXPECT_EQ(trial.kind, "ruler_x");
  EXPECT_EQ(trial.queries[0].prompt, "Which number?");
  EXPECT_THAT(trial.queries[0].expected, ElementsAre("12", "34"));
}

TEST_F(ExchangeTest, ImportsInfiniteBenchAndLongBench) {
  const Task infinite = dataset_task(
      import("infinitebench", R"({"id":7,"context":"The pass key is 71432.","input":"What is it?","answer":["71432"]})"
                              "\n"));
  EXPECT_THAT(infinite.trials[0].queries[0].expected, ElementsAre("71432"));
  const Task longbench = dataset_task(
      import("longbench", R"({"_id":"a","context":"C.","input":"Q?","answers":["x","y"],"dataset":"qasper","length":3})"
                          "\n"));
  EXPECT_EQ(longbench.trials[0].kind, "qasper");
  EXPECT_THAT(longbench.trials[0].queries[0].expected, ElementsAre("x", "y"));
  EXPECT_EQ(longbench.trials[0].queries[0].wanted, Wanted::kAny);
}

TEST_F(ExchangeTest, NamesLineAndColumnOfBadData) {
  const std::string good = R"({"id":1,"context":"C.","input":"Q?","answer":"x"})"
                           "\n";
  EXPECT_THAT(import_error("infinitebench", good + "{\"id\": 2, oops}\n"),
              HasSubstr("infinitebench_x.jsonl, line 2, column 11: the line is not JSON"));
  EXPECT_THAT(import_error("infinitebench", "[1]\n"), HasSubstr("line 1, column 1: the line is not a JSON object"));
  EXPECT_THAT(import_error("infinitebench", R"({"id":1,"context":"C.","input":"Q?"})"),
              HasSubstr("the field \"answer\""));
  EXPECT_THAT(import_error("infinitebench", R"({"id":1,"context":"","input":"Q?","answer":"x"})"),
              HasSubstr("line 1, the context is empty"));
  EXPECT_THAT(import_error("ruler", R"({"index":1,"input":"no line break","outputs":["x"]})"),
              HasSubstr("no line break"));
  EXPECT_THAT(error_of<base::UsageError>([&] { import("other", good); }), HasSubstr("none of ruler"));
  EXPECT_THAT(error_of<base::MissingInputError>([&] { import("ruler", "\n"); }), HasSubstr("holds no line"));
}

TEST_F(ExchangeTest, ExportsEachLayout) {
  write_rows("results.jsonl", {"b", "c"});
  const fs::path target = folder.path() / "to";
  for (const char* format : {"csv", "ruler", "infinitebench", "longbench", "niah1"})
    EXPECT_EQ(export_results(folder.path(), format, target / format), 2U) << format;
  const std::string csv = read("to/csv/results.csv");
  EXPECT_THAT(csv, HasSubstr("system,kind,digits,context_length"));
  EXPECT_THAT(csv, HasSubstr(R"(a; b,"The key, he said, is","a ""b""")"));
  EXPECT_EQ(read("to/ruler/500/pred/summary.csv"), "Tasks,multi\nScore,50.00\nNulls,1/2\n");
  const std::string pred = read("to/ruler/500/pred/multi.jsonl");
  EXPECT_EQ(json::parse(pred.substr(0, pred.find('\n')))["outputs"], json({"a", "b"}));
  EXPECT_THAT(read("to/infinitebench/multi.jsonl"), HasSubstr("\"ground_truth\":[\"a\",\"b\"]"));
  EXPECT_THAT(read("to/longbench/multi.jsonl"), HasSubstr("\"_id\":\"b\""));
  EXPECT_EQ(json::parse(read("to/niah1/b.json"))["score"], 10);
  EXPECT_EQ(json::parse(read("to/niah1/c.json"))["score"], 1);
  EXPECT_THROW(export_results(folder.path(), "xml", target), base::UsageError);
}

TEST_F(ExchangeTest, PartsBecomeOneFile) {
  write_rows("results.part-1-of-2.jsonl", {"a", "b"});
  EXPECT_THAT(error_of<base::ConfigError>([&] { merge_parts(folder.path()); }), HasSubstr("lacks part 2 of 2"));
  write_rows("results.part-2-of-2.jsonl", {"b", "c"});
  EXPECT_EQ(merge_parts(folder.path()), 3U);
  EXPECT_EQ(merge_parts(folder.path()), 3U);
  EXPECT_EQ(row_of(folder.path() / "results.jsonl", 3)["larimar"]["cell"], "c");
  EXPECT_THAT(error_of<base::UsageError>([&] { (void)row_of(folder.path() / "results.jsonl", 4); }),
              HasSubstr("has 3 rows; row 4 is none"));
  // A part that is run again after the merge finds its rows there.
  EXPECT_TRUE(ResultLog(folder.path(), {{"x", 1}}, "results.part-2-of-2.jsonl").has("a"));
}

TEST_F(ExchangeTest, RefusesPartsThatDoNotBelongTogether) {
  EXPECT_THAT(error_of<base::MissingInputError>([&] { merge_parts(folder.path()); }),
              HasSubstr("holds no results.part"));
  write_rows("results.part-1-of-2.jsonl", {"a"});
  fs::remove(folder.path() / "manifest.json");
  write_rows("results.part-2-of-2.jsonl", {"c"}, {{"x", 2}});
  EXPECT_THAT(error_of<base::ConfigError>([&] { merge_parts(folder.path()); }), HasSubstr("another configuration"));
  write_rows("results.part-1-of-3.jsonl", {}, {{"x", 2}});
  EXPECT_THAT(error_of<base::ConfigError>([&] { merge_parts(folder.path()); }), HasSubstr("parts of 2 and of 3"));
}

}  // namespace
}  // namespace larimar::eval
