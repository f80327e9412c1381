#include "coordinator/run_report.h"

#include <gmock/gmock.h>

#include "tests/support/temporary_folder.h"

namespace larimar::coordinator {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

TimePoint at_milliseconds(std::int64_t since) { return TimePoint(std::chrono::milliseconds(since)); }

RunReport full_report() {
  RunReport report;
  report.config = {{"keys", "minilm"}, {"seed", 7}};
  report.command_line = {"larimar", "run", "--query", "two words"};
  report.version = "0.1.0";
  report.started_at = at_milliseconds(1'700'000'000'000);
  report.ended_at = at_milliseconds(1'700'000'012'345);
  report.ranks = {
      {.rank = 0, .host = "a", .roles = {"coordinator", "decoder"}, .pid = 11, .peak_memory_bytes = 5'000'000'000},
      {.rank = 1, .host = "b", .roles = {"shard"}, .pid = 12, .peak_memory_bytes = 100}};
  report.phases = {{"segment", 0.25}, {"encode", 8.5}, {"ask", 1.0}};
  report.context = {.documents = 49, .bytes = 600'000, .segments = 9'000, .tokens = 137'000, .repaired_bytes = 3};
  report.tokens_per_second = {{"segment", 548'000.0}, {"encode", 16'000.0}};
  report.queries = {.total = 3, .answered = 2, .bad = {{.line = 2, .reason = "the line is empty"}}};
  report.shards = {.contributing = {base::ShardId{0}, base::ShardId{2}},
                   .degraded = {base::ShardId{2}},
                   .failed = {base::ShardId{1}}};
  report.exit_code = base::ExitCode::kDegraded;
  return report;
}

TEST(RunReportJson, HoldsWhatTheRunWas) {
  const json object = json::parse(to_json(full_report()));
  EXPECT_EQ(object["status"], "degraded");
  EXPECT_EQ(object["exit_code"], 3);
  EXPECT_TRUE(object["error"].is_null());
  EXPECT_EQ(object["version"], "0.1.0");
  EXPECT_EQ(object["command_line"], json({"larimar", "run", "--query", "two words"}));
  EXPECT_EQ(object["config"], json({{"keys", "minilm"}, {"seed", 7}}));
  EXPECT_EQ(object["started_at"], "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(object["ended_at"], "2023-11-14T22:13:32.345Z");
  EXPECT_EQ(object["ranks"][0], json({{"rank", 0},
                                      {"host", "a"},
                                      {"roles", {"coordinator", "decoder"}},
                                      {"pid", 11},
                                      {"peak_memory_bytes", 5'000'000'000}}));
  EXPECT_EQ(object["ranks"].size(), 2U);
  EXPECT_EQ(
      object["context"],
      json({{"documents", 49}, {"bytes", 600'000}, {"segments", 9'000}, {"tokens", 137'000}, {"repaired_bytes", 3}}));
  EXPECT_EQ(object["ingest"]["tokens_per_second"], json({{"segment", 548'000.0}, {"encode", 16'000.0}}));
  EXPECT_EQ(object["queries"]["total"], 3);
  EXPECT_EQ(object["queries"]["answered"], 2);
  EXPECT_EQ(object["queries"]["bad"], json::array({{{"line", 2}, {"reason", "the line is empty"}}}));
  EXPECT_EQ(object["shards"], json({{"contributing", {0, 2}}, {"degraded", {2}}, {"failed", {1}}}));
}

TEST(RunReportJson, TellsOfDeathsAndOfWhatIsMissing) {
  RunReport report;
  EXPECT_TRUE(json::parse(to_json(report))["missing"].is_null());
  report.fault_tolerance = "ulfm";
  report.faults = {{.rank = 2,
                    .host = "a",
                    .roles = {"shard"},
                    .phase = "read",
                    .noticed_at = at_milliseconds(1'700'000'000'500),
                    .shrink_seconds = 0.25,
                    .first_result_seconds = 1.5},
                   {.rank = 3}};
  report.ranks = {{.rank = 0, .started_as = 1}};
  report.missing = {.virtual_shards = {1, 4}, .blocks = 3, .of_blocks = 12, .documents = {"b.txt"}};
  const json object = json::parse(to_json(report));
  EXPECT_EQ(object["fault_tolerance"], "ulfm");
  EXPECT_EQ(object["faults"][0], json({{"rank", 2},
                                       {"host", "a"},
                                       {"roles", {"shard"}},
                                       {"phase", "read"},
                                       {"noticed_at", "2023-11-14T22:13:20.500Z"},
                                       {"shrink_seconds", 0.25},
                                       {"first_result_seconds", 1.5}}));
  EXPECT_TRUE(object["faults"][1]["first_result_seconds"].is_null());
  EXPECT_EQ(object["ranks"][0]["started_as"], 1);
  EXPECT_EQ(object["missing"],
            json({{"virtual_shards", {1, 4}}, {"blocks", 3}, {"of_blocks", 12}, {"documents", {"b.txt"}}}));
}

TEST(RunReportJson, PhasesStandInTheOrderTheyRan) {
  const ordered_json object = ordered_json::parse(to_json(full_report()));
  std::vector<std::string> names;
  for (const auto& phase : object["phases"].items()) names.push_back(phase.key());
  EXPECT_THAT(names, testing::ElementsAre("segment", "encode", "ask"));
  EXPECT_EQ(object["phases"]["encode"], 8.5);
}

TEST(RunReportJson, AnEmptyReportHasAllItsLists) {
  const json object = json::parse(to_json(RunReport{}));
  EXPECT_EQ(object["status"], "ok");
  EXPECT_TRUE(object["ranks"].is_array());
  EXPECT_TRUE(object["phases"].is_object());
  EXPECT_TRUE(object["ingest"]["tokens_per_second"].is_object());
  EXPECT_TRUE(object["queries"]["bad"].is_array());
  EXPECT_TRUE(object["shards"]["failed"].is_array());
  EXPECT_EQ(object["started_at"], "1970-01-01T00:00:00.000Z");
}

TEST(RunReportJson, AFailureIsNamedEvenInBrokenUtf8) {
  RunReport report;
  report.exit_code = base::ExitCode::kNoInput;
  report.error = "cannot read caf\xE9";
  report.command_line = {"caf\xE9"};
  const json object = json::parse(to_json(report));
  EXPECT_EQ(object["status"], "failed");
  EXPECT_EQ(object["exit_code"], 66);
  EXPECT_EQ(object["error"], "cannot read caf\xEF\xBF\xBD");
}

TEST(RunStatus, FollowsTheExitCode) {
  using base::ExitCode;
  EXPECT_EQ(run_status(ExitCode::kOk), "ok");
  EXPECT_EQ(run_status(ExitCode::kBelowThreshold), "ok");
  EXPECT_EQ(run_status(ExitCode::kDegraded), "degraded");
  EXPECT_EQ(run_status(ExitCode::kUsage), "failed");
  EXPECT_EQ(run_status(ExitCode::kInterrupted), "failed");
}

TEST(RunReportFile, ReplacesAnOlderOneAndMakesItsFolder) {
  const support::TemporaryFolder folder;
  const std::filesystem::path out = folder.path() / "out";
  write_run_report(out, RunReport{});
  write_run_report(out, full_report());
  EXPECT_EQ(base::read_file(out / "run.json"), to_json(full_report()));
  const std::filesystem::directory_iterator entries(out);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 1);
}

TEST(RunReportFile, AFolderThatCannotBeMadeIsAnError) {
  const support::TemporaryFolder folder;
  const std::filesystem::path file = folder.write("file", "x");
  try {
    write_run_report(file, RunReport{});
    ADD_FAILURE() << "no error";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::ExitCode::kCannotCreate);
  }
}

}  // namespace
}  // namespace larimar::coordinator
