#include "eval/run_file.h"

#include <gmock/gmock.h>

#include "eval/plan.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

class RunFileTest : public testing::Test {
 protected:
  RunSpec read(const std::string& text) { return read_run_file(folder.write("run.yaml", text)); }
  std::string error(const std::string& text) {
    return error_of<base::FormatError>([&] { (void)read(text); });
  }

  test::TemporaryFolder folder;
};

TEST_F(RunFileTest, ReadsSweepTasksAndOurs) {
  const RunSpec spec = read(R"(
name: essays
haystack: hay
beyond: repeat
sweep:
  context_lengths: [1000, 1e6]
  depth_percents: {min: 0, max: 100, num: 3, scale: sigmoid}
  seeds: [4, 5]
tasks:
  - {type: single}
  - {type: multi, keys: 3, values: 2, distractors: 7}
  - {type: uuid_chain, hops: 2, forms: [question]}
larimar: {key_modes: [prefix, segment], forms: [prefix, question]}
runner: {concurrency: 4, retries: 2, resume: true}
)");
  EXPECT_EQ(spec.name, "essays");
  EXPECT_EQ(spec.haystack, folder.path() / "hay");
  EXPECT_TRUE(spec.repeat);
  EXPECT_THAT(spec.scope.lengths, ElementsAre(1000U, 1000000U));
  EXPECT_THAT(spec.scope.key_modes, ElementsAre("prefix", "segment"));
  ASSERT_EQ(spec.tasks.size(), 3U);
  EXPECT_EQ(spec.tasks[0].name, "needle");
  EXPECT_THAT(spec.tasks[0].axes.depths, ElementsAre(0, 50, 100));
  EXPECT_EQ(spec.tasks[1].axes.first_seed, 4U);
  EXPECT_EQ(spec.tasks[1].axes.seeds, 2U);
  EXPECT_EQ(spec.tasks[1].distractors, 7U);
  EXPECT_THAT(spec.tasks[2].axes.forms, ElementsAre("question"));
  EXPECT_FALSE(spec.content.empty());
}

TEST_F(RunFileTest, CommentsAndSpacesDoNotMakeAnotherRun) {
  EXPECT_EQ(read("task: {type: uuid}\n").content, read("# a note\ntask:\n  type:   uuid\n").content);
  EXPECT_EQ(read("name: x\ntask: {type: uuid}\n").content, read("task: {type: uuid}\nname: 'x'\n").content);
  EXPECT_NE(read("task: {type: uuid}\n").content, read("task: {type: words}\n").content);
}

TEST_F(RunFileTest, NamesLineAndColumnOfMalformedYaml) {
  EXPECT_THAT(error("name: x\ntask: {type: uuid\n"), HasSubstr("run.yaml, line 3, column 1: this is not YAML"));
  EXPECT_THAT(error("name: x\n  - task: 1\n bad"), HasSubstr("this is not YAML"));
  EXPECT_THAT(error("- 1\n"), HasSubstr("must be a map"));
}

TEST_F(RunFileTest, NamesUnknownFieldsWithTheirPlace) {
  EXPECT_THAT(error("name: x\nswep: {}\n"), HasSubstr("line 2, column 1: the run file has the unknown field \"swep\""));
  EXPECT_THAT(error("sweep:\n  depths: [1]\ntask: {type: uuid}\n"),
              HasSubstr("line 2, column 3: sweep has the unknown field \"depths\"; it may have context_lengths"));
  EXPECT_THAT(error("task: {type: uuid, hop: 3}\n"), HasSubstr("a task has the unknown field \"hop\""));
  EXPECT_THAT(error("sweep: {depth_percents: {min: 1, max: 2, nun: 3}}\n"), HasSubstr("unknown field \"nun\""));
}

TEST_F(RunFileTest, NamesWrongValuesWithTheirPlace) {
  EXPECT_THAT(error("sweep:\n  depth_percents: [0, 101]\n"), HasSubstr("line 2, column 19: depth 101"));
  EXPECT_THAT(error("sweep:\n  depth_percents: [0, deep]\n"), HasSubstr("line 2, column 23: depth_percents must be a"));
  EXPECT_THAT(error("sweep: {depth_percents: {min: 0, max: 9, num: 2, scale: log}}\n"), HasSubstr("none of linear"));
  EXPECT_THAT(error("sweep: {depth_percents: {min: 9, max: 0, num: 2}}\n"), HasSubstr("not below its least"));
  EXPECT_THAT(error("sweep: {depth_percents: {min: 9}}\n"), HasSubstr("needs min, max and num"));
  EXPECT_THAT(error("sweep: {context_lengths: [-5]}\n"), HasSubstr("numbers of tokens"));
  EXPECT_THAT(error("sweep: {seeds: 1.5}\n"), HasSubstr("whole number"));
  EXPECT_THAT(error("sweep: {seeds: [1, 3]}\n"), HasSubstr("in a row"));
  EXPECT_THAT(error("task: {type: quiz}\n"), HasSubstr("line 1, column 14: task type \"quiz\" is none of passkey"));
  EXPECT_THAT(error("task: {keys: 2}\n"), HasSubstr("needs its type"));
  EXPECT_THAT(error("name: x\n"), HasSubstr("either task, or tasks"));
  EXPECT_THAT(error("tasks: []\n"), HasSubstr("tasks must be a list"));
  EXPECT_THAT(error("haystack: \"generate:x\"\ntask: {type: uuid}\n"), HasSubstr("is no generator"));
  EXPECT_THAT(error("runner: {resume: false}\ntask: {type: uuid}\n"), HasSubstr("resume: false is not offered"));
  EXPECT_THAT(error("beyond: stop\ntask: {type: uuid}\n"), HasSubstr("none of refuse, repeat"));
  EXPECT_THAT(error_of<base::MissingInputError>([&] { (void)read_run_file(folder.path() / "no.yaml"); }),
              HasSubstr("no.yaml"));
}

TEST(Spread, PlacesValuesByScale) {
  EXPECT_THAT(spread(0, 100, 5, "linear"), ElementsAre(0, 25, 50, 75, 100));
  EXPECT_THAT(spread(0, 100, 5, "sigmoid"), ElementsAre(0, 7.586, 50, 92.414, 100));
  EXPECT_THAT(spread(10, 20, 1, "linear"), ElementsAre(10));
  EXPECT_THAT(parse_values("0:10:2"), ElementsAre(0, 10));
  EXPECT_THAT(parse_values("1,2.5"), ElementsAre(1, 2.5));
  for (const char* bad : {"1,x", "1:2", "1:2:3:4:5", "5:1:2", ""}) {
    if (*bad == '\0') continue;
    EXPECT_THROW((void)parse_values(bad), base::UsageError) << bad;
  }
}

TEST(Part, ComesFromTheOptionOrTheArray) {
  EXPECT_EQ(parse_part("2/8").number, 2U);
  for (const char* bad : {"2", "0/3", "4/3", "a/b", "1/"}) EXPECT_THROW((void)parse_part(bad), base::UsageError) << bad;
  ::unsetenv("SLURM_ARRAY_TASK_ID");
  EXPECT_FALSE(part_from_environment());
  ::setenv("SLURM_ARRAY_TASK_ID", "5", 1);
  ::setenv("SLURM_ARRAY_TASK_COUNT", "4", 1);
  ::setenv("SLURM_ARRAY_TASK_MIN", "3", 1);
  ASSERT_TRUE(part_from_environment());
  EXPECT_EQ(part_from_environment()->number, 3U);
  EXPECT_EQ(part_from_environment()->of, 4U);
  ::setenv("SLURM_ARRAY_TASK_ID", "9", 1);
  EXPECT_THAT(error_of<base::UsageError>([] { (void)part_from_environment(); }), HasSubstr("array without gaps"));
  ::unsetenv("SLURM_ARRAY_TASK_ID");
}

TEST(Plan, CountsWithoutDoingAnything) {
  Preset preset;
  preset.axes.depths = {0, 100};
  preset.axes.seeds = 3;
  preset.kinds = {"5"};
  const std::vector<Task> tasks = {make_task(preset)};
  const RunPlan plan = plan_run(tasks, {.lengths = {1000, 10000000}, .key_modes = {"prefix", "segment"}}, 0, 1);
  EXPECT_EQ(plan.cells, 8U);
  EXPECT_EQ(plan.queries, 24U);
  EXPECT_EQ(plan.contexts, 24U);
  EXPECT_EQ(plan.longest_tokens, 10000000U);
  const RunPlan spread_out = plan_run(tasks, {.lengths = {1000, 10000000}}, 0, 4);
  EXPECT_LT(spread_out.shard_bytes, plan.shard_bytes / 4);
  EXPECT_GT(plan.seconds, 1e7 / kPlanRates.tokens_per_second);
  EXPECT_THAT(to_text(plan, 2), HasSubstr("cells 8, queries 24, contexts 24"));
  EXPECT_EQ(plan_run(tasks, {.part = Part{1, 3}}, 5000, 1).contexts, 2U);
}

TEST(MakeTask, RefusesUnknownAndIncompletePresets) {
  const auto error = [](const Preset& preset) { return error_of<base::UsageError>([&] { (void)make_task(preset); }); };
  EXPECT_THAT(error({.name = "quiz"}), HasSubstr("task \"quiz\" is none of passkey"));
  EXPECT_THAT(error({.name = "babi"}), HasSubstr("needs --babi DIR"));
  EXPECT_THAT(error({.name = "needles"}), HasSubstr("needs --needles FILE.jsonl"));
}

}  // namespace
}  // namespace larimar::eval
