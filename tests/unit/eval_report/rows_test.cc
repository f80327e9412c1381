#include "eval/report/rows.h"

#include <gmock/gmock.h>

#include "eval/report/cost.h"
#include "eval/report/published.h"
#include "tests/unit/eval_report/support.h"

namespace larimar::eval::report {
namespace {

using nlohmann::json;
using test::error_of;
using test::row;
using testing::AllOf;
using testing::HasSubstr;

Measurements read(const std::string& text, ScoreKind score = ScoreKind::kValue, const std::string& name = "") {
  const test::TemporaryFolder folder;
  folder.write("results.jsonl", text);
  return read_measurements({folder.path(), name}, score);
}

TEST(ReadMeasurements, TakesWhatAReportNeeds) {
  json own = row(8000, 25, 0.5);
  own["larimar"]["system"] = "BM25";
  const Measurements read_back = read(test::lines({row(0, 0, 1), own}));
  ASSERT_EQ(read_back.rows.size(), 2U);
  EXPECT_EQ(read_back.system, "larimar");
  EXPECT_EQ(read_back.rows[0].system, "larimar, prefix keys");
  EXPECT_EQ(read_back.rows[0].length, 137000U) << "the whole haystack: as long as it was";
  EXPECT_EQ(read_back.rows[0].task.label(), "passkey 5 digits");
  EXPECT_EQ(read_back.rows[1].system, "BM25, prefix keys");
  EXPECT_EQ(read_back.rows[1].length, 8000U);
  EXPECT_EQ(read_back.rows[1].depth, 25);
  EXPECT_EQ(read_back.rows[1].score, 0.5);
  EXPECT_EQ(read_back.rows[1].seconds, 0.5);
  EXPECT_EQ(read(test::lines({own}), ScoreKind::kValue, "mine").rows[0].system, "mine, prefix keys");
}

TEST(ReadMeasurements, ScoresAreKeptApart) {
  const std::string text = test::lines({row(1000, 50, 0.5)});
  EXPECT_EQ(read(text, ScoreKind::kValue).rows[0].score, 0.5);
  EXPECT_EQ(read(text, ScoreKind::kRetrieval).rows[0].score, 1);
  EXPECT_EQ(read(text, ScoreKind::kWording).rows[0].score, 0);
  json without = row();
  without["score"]["details"]["retrieval_first"] = nullptr;
  EXPECT_EQ(read(test::lines({without, row()}), ScoreKind::kRetrieval).without_score, 1U);
  EXPECT_EQ(read(test::lines({without, row()}), ScoreKind::kRetrieval).rows.size(), 1U);
  EXPECT_THAT(error_of<base::UsageError>([] { (void)parse_score_kind("style"); }), HasSubstr("wording"));
}

TEST(ReadMeasurements, TakesRowsOfOthers) {
  json plain = row();
  plain.erase("larimar");
  const Measurements read_back = read(test::lines({plain}));
  EXPECT_EQ(read_back.rows.at(0).system, "larimar");
  EXPECT_EQ(read_back.rows.at(0).task.label(), "passkey");
  json completed = row();
  completed["task_type"] = completed["larimar"]["kind"] = "san_francisco";
  json formless = completed;
  formless["larimar"].erase("form");
  const Measurements both = read(test::lines({completed, formless}));
  EXPECT_EQ(both.rows.at(0).task, both.rows.at(1).task) << "completion is the usual form";
  EXPECT_EQ(both.rows.at(0).task.label(), "san francisco 5 digits");
}

TEST(ReadMeasurements, LeavesOutWhatDidNotEndWellOrWasCutOff) {
  json failed = row();
  failed["status"] = "error";
  const std::string whole = test::lines({row(), failed, row()});
  const Measurements read_back = read(whole + "\n" + whole.substr(0, 40));
  EXPECT_EQ(read_back.rows.size(), 2U);
  EXPECT_EQ(read_back.not_ok, 1U);
  EXPECT_EQ(read_back.cut_off, 1U);
  EXPECT_EQ(read(row().dump()).rows.size(), 1U) << "whole, only its newline is missing";
}

TEST(ReadMeasurements, NamesFileLineAndField) {
  for (const char* name : {"task_type", "context_length", "target_depth_percent", "score", "duration_seconds"}) {
    json bad = row();
    bad.erase(name);
    EXPECT_THAT(error_of<base::FormatError>([&] {
                  (void)read(test::lines({row(), bad}));
                }),
                AllOf(HasSubstr("results.jsonl, line 2: "), HasSubstr(name), HasSubstr("missing")));
  }
  const auto refused = [](const char* path, const json& value, const char* word, ScoreKind score = ScoreKind::kValue) {
    json bad = row(0);
    bad[json::json_pointer(path)] = value;
    EXPECT_THAT(error_of<base::FormatError>([&] { (void)read(test::lines({bad}), score); }),
                AllOf(HasSubstr("line 1: "), HasSubstr(word)));
  };
  refused("/target_depth_percent", 101, "0 to 100");
  refused("/target_depth_percent", "deep", "not a number");
  refused("/context_length", -1, "context_length");
  refused("/score/value", 7, "expected 0 to 1");
  refused("/score/details", json::object(), "wording", ScoreKind::kWording);
  refused("/score/details/wording", "yes", "not a number", ScoreKind::kWording);
  refused("/recipe", json::object(), "final_context_token_count");
  refused("/duration_seconds", -1, "duration_seconds");
  refused("/task_type", 3, "not a text");
  refused("/larimar", "x", "not an object");
  refused("/larimar/digits", "five", "digits");
  refused("/larimar/system", 3, "system");
  EXPECT_THAT(error_of<base::FormatError>([] { (void)read("{\"a\": }\n"); }),
              AllOf(HasSubstr("line 1: "), HasSubstr("column 7")));
  EXPECT_THAT(error_of<base::FormatError>([] { (void)read("[1]\n"); }), HasSubstr("not a JSON object"));
  EXPECT_THAT(error_of<base::MissingInputError>([] {
                (void)read_measurements({"/no/such", ""}, ScoreKind::kValue);
              }),
              HasSubstr("results.jsonl"));
}

TEST(ReadPublished, TakesAListAndNamesWhatIsWrong) {
  const test::TemporaryFolder folder;
  const json good{
      {"system", "Mistral-7B"}, {"task", "passkey 3 digits"}, {"length", 24000}, {"value", 0.66}, {"source", "paper"}};
  const auto read_text = [&](const std::string& text) { return read_published(folder.write("p.json", text)); };
  const auto rows = read_text(json::array({good}).dump());
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].length, 24000U);
  EXPECT_EQ(rows[0].value, 0.66);
  const auto refused = [&](json record, const char* word) {
    EXPECT_THAT(error_of<base::FormatError>([&] {
                  (void)read_text(json::array({good, std::move(record)}).dump());
                }),
                AllOf(HasSubstr("p.json, record 2"), HasSubstr(word)));
  };
  for (const char* name : {"system", "task", "length", "value", "source"}) {
    json bad = good;
    bad.erase(name);
    refused(bad, name);
  }
  json extra = good;
  extra["vlaue"] = 1;
  refused(extra, "vlaue");
  json percent = good;
  percent["value"] = 66;
  refused(percent, "0 to 1");
  refused(3, "not a JSON object");
  EXPECT_THAT(error_of<base::FormatError>([&] { (void)read_text("[\n  {]"); }),
              AllOf(HasSubstr("line 2"), HasSubstr("column 4")));
  EXPECT_THAT(error_of<base::FormatError>([&] { (void)read_text("{}"); }), HasSubstr("not a JSON list"));
}

TEST(ReadCost, AddsRanksAndNamesWhatIsWrong) {
  const test::TemporaryFolder folder;
  EXPECT_FALSE(read_cost(folder.path(), "s").has_value());
  const json job{{"tokens", 5000},
                 {"seconds", {{"ingest", 2.5}}},
                 {"ranks", {{{"peak_memory_bytes", 100}}, {{"peak_memory_bytes", 300}}}}};
  folder.write("first_job.json", job.dump());
  const Cost cost = read_cost(folder.path(), "s").value();
  EXPECT_EQ(cost.system, "s");
  EXPECT_EQ(cost.tokens, 5000U);
  EXPECT_EQ(cost.ranks, 2U);
  EXPECT_EQ(cost.largest_rank_bytes, 300);
  EXPECT_EQ(cost.all_ranks_bytes, 400);
  EXPECT_EQ(cost.seconds.at("ingest"), 2.5);
  const auto refused = [&](const std::string& text, const char* word) {
    folder.write("first_job.json", text);
    EXPECT_THAT(error_of<base::FormatError>([&] { (void)read_cost(folder.path(), "s"); }),
                AllOf(HasSubstr("first_job.json"), HasSubstr(word)));
  };
  for (const char* name : {"tokens", "seconds", "ranks"}) {
    json bad = job;
    bad.erase(name);
    refused(bad.dump(), name);
  }
  json bad = job;
  bad["ranks"] = {3};
  refused(bad.dump(), "ranks");
  bad["ranks"] = {{{"rank", 0}}};
  refused(bad.dump(), "peak_memory_bytes");
  refused("[]", "not a JSON object");
  refused("{\"tokens\"", "not JSON");
}

}  // namespace
}  // namespace larimar::eval::report
