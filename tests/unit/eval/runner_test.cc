#include "eval/runner.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "eval/context.h"
#include "eval/fact_task.h"
#include "eval/key_task.h"
#include "eval/passkey_grid.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using nlohmann::json;
using test::error_of;
using test::make_text;
using testing::HasSubstr;

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() {
    for (const char* name : {"a", "b"}) folder.write(std::string("hay/") + name + ".txt", make_text(name, 60));
    setup.haystack = folder.path() / "hay";
    setup.out = folder.path() / "out";
    setup.tokenizer = &tokenizer;
    setup.system = {{"name", "search"}};
    tasks = {key_task({.depths = {0, 50}, .seeds = 2}, {.keys = 2, .distractors = 3})};
  }
  EvalOutcome run(const RunScope& scope) { return run_tasks(tasks, scope, setup, std::ref(search), nullptr); }
  std::vector<json> rows(const std::string& name = "results.jsonl") {
    std::ifstream lines(setup.out / name);
    std::vector<json> result;
    for (std::string line; std::getline(lines, line);) result.push_back(json::parse(line));
    return result;
  }
  static std::string text_of(const std::vector<fs::path>& documents) {
    std::string text;
    for (const fs::path& document : documents) text += base::read_file(document);
    return text;
  }

  test::TemporaryFolder folder;
  test::WordTokenizer tokenizer;
  EvalSetup setup;
  std::vector<Task> tasks;
  test::FileSearch search;
};

TEST_F(RunnerTest, OneContextServesAllQueriesOfATrial) {
  EXPECT_EQ(run({.lengths = {0, 300}}).asked, 2U * 2 * 2 * 2);
  EXPECT_EQ(search.trials.size(), 8U);
  for (const json& row : rows()) {
    EXPECT_EQ(row["task_type"], "multi");
    EXPECT_EQ(row["score"]["value"], 1.0) << row;
    EXPECT_TRUE(row["score"]["details"]["retrieval_first"]);
    EXPECT_EQ(row["recipe"]["needle_placements"].size(), 5U);
    EXPECT_EQ(row["larimar"]["system"], "larimar");
    EXPECT_GT(row["larimar"]["words"], 300);
  }
}

TEST_F(RunnerTest, PartsAreDisjointAndTogetherAll) {
  std::set<std::string> cells;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Part part{i, 3};
    run({.part = part});
    for (const json& row : rows(results_name(part)))
      EXPECT_TRUE(cells.insert(row["larimar"]["cell"].get<std::string>()).second);
  }
  EXPECT_EQ(cells.size(), 8U);
  EXPECT_FALSE(fs::exists(setup.out / "results.jsonl"));
  EXPECT_THAT(error_of<base::UsageError>([&] { run({.part = Part{4, 3}}); }), HasSubstr("part 4/3 is none"));
}

TEST_F(RunnerTest, TheFirstTrialsAloneWhereAsked) {
  EXPECT_EQ(run({.limit = 3}).asked, 6U);
  EXPECT_EQ(run({}).asked, 2U);
}

TEST_F(RunnerTest, AReadyDocumentNeedsNoHaystack) {
  TaskTrial trial;
  trial.name = "given/1";
  trial.kind = "given";
  trial.document = folder.write("given.txt", "The lamp is red. The boat is blue.");
  TaskQuery query;
  query.form = "prefix";
  query.prompt = "The boat is";
  query.expected = {"blue"};
  trial.queries = {query};
  tasks = {Task{"given", nullptr, {trial}}};
  setup.haystack.clear();
  EXPECT_EQ(run({}).asked, 1U);
  const json row = rows().front();
  EXPECT_EQ(row["score"]["value"], 1.0);
  EXPECT_EQ(row["recipe"]["final_context_token_count"], 8);
  EXPECT_EQ(text_of(reconstruct(row, folder.path() / "again")), base::read_file(trial.document));
}

TEST_F(RunnerTest, AForgottenFactIsRightWhenItIsAbsent) {
  const fs::path file = folder.write("facts.json", R"([
    {"prompt":"The town of Ann is","ground_truth":"Oslo","target_new":"Bern","rephrase_prompt":"Ann?"},
    {"prompt":"The town of Bob is","ground_truth":"Rome","target_new":"Kiel","rephrase_prompt":"Bob?"}])");
  tasks = {fact_task({.file = file, .facts = 2})};
  run({});
  std::map<std::string, double> values;
  for (const json& row : rows()) values[row["task_type"].get<std::string>()] = row["score"]["value"].get<double>();
  EXPECT_EQ(values.size(), 5U);
  for (const auto& [kind, value] : values) EXPECT_EQ(value, 1.0) << kind;
}

TEST_F(RunnerTest, ARowRebuildsItsContextByteForByte) {
  setup.repeat = true;
  setup.piece_bytes = 300;
  run({.lengths = {250, 1100}});
  std::map<std::string, std::string> contexts;
  for (const Trial& trial : search.trials) contexts[trial.name] = text_of(trial.context);
  for (const json& row : rows()) {
    const std::string cell = row["larimar"]["cell"];
    const std::string trial = cell.substr(0, cell.find("/K"));
    ASSERT_TRUE(contexts.contains(trial)) << trial;
    const test::TemporaryFolder fresh;
    EXPECT_EQ(text_of(reconstruct(row, fresh.path())), contexts[trial]) << cell;
  }
}

TEST_F(RunnerTest, AGeneratedContextIsRebuiltToo) {
  setup.haystack = "generate:5";
  run({.lengths = {4000}, .limit = 1});
  const std::string context = text_of(search.trials.front().context);
  fs::rename(setup.out / "results.jsonl", folder.path() / "kept.jsonl");
  fs::remove_all(setup.out);
  const test::TemporaryFolder fresh;
  std::ifstream lines(folder.path() / "kept.jsonl");
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(text_of(reconstruct(json::parse(line), fresh.path())), context);
}

TEST_F(RunnerTest, AChangedHaystackIsNotTakenForTheOldOne) {
  run({.limit = 1});
  const json row = rows().front();
  const test::TemporaryFolder fresh;
  std::string text = make_text("b", 60);
  text[text.size() - 5] = 'x';
  folder.write("hay/b.txt", text);
  EXPECT_THAT(error_of<base::ConfigError>([&] { (void)reconstruct(row, fresh.path()); }), HasSubstr("have changed"));
  json broken = row;
  broken["recipe"].erase("haystack");
  EXPECT_THAT(error_of<base::FormatError>([&] { (void)reconstruct(broken, fresh.path()); }),
              HasSubstr("no complete recipe"));
}

}  // namespace
}  // namespace larimar::eval
