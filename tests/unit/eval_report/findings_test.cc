#include "eval/report/findings.h"

#include <gmock/gmock.h>

#include "tests/unit/eval_report/support.h"

namespace larimar::eval::report {
namespace {

using nlohmann::json;
using test::error_of;
using test::row;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

json of_system(json one, const std::string& system) {
  one["larimar"]["system"] = system;
  one["larimar"]["key_mode"] = "";
  return one;
}

TEST(Collect, PoolsTrialsByCell) {
  const test::TemporaryFolder folder;
  folder.write("a/results.jsonl",
               test::lines({row(1000, 0, 1), row(1000, 0, 0), row(1000, 100, 1), row(8000, 0, 0.5)}));
  const std::vector<Folder> folders{{folder.path() / "a", ""}};
  const Findings findings = collect(folders, ScoreKind::kValue);
  EXPECT_EQ(findings.rows, 4U);
  EXPECT_THAT(findings.systems, ElementsAre("larimar, prefix keys"));
  ASSERT_EQ(findings.tasks.size(), 1U);
  const Grid& grid = findings.grids.at({"larimar, prefix keys", findings.tasks[0]});
  EXPECT_EQ(grid.at(1000).at(0).n, 2U);
  EXPECT_EQ(grid.at(1000).at(0).value(), 0.5);
  EXPECT_EQ(grid.at(8000).at(0).value(), 0.5);
  const Mean all = total(findings, "larimar, prefix keys", findings.tasks[0], 1000);
  EXPECT_EQ(all.n, 3U);
  EXPECT_NEAR(all.value(), 2.0 / 3, 1e-15);
  EXPECT_EQ(total(findings, "larimar, prefix keys", findings.tasks[0], 5).n, 0U);
  EXPECT_EQ(total(findings, "other", findings.tasks[0], 1000).n, 0U);
  EXPECT_THAT(lengths_of(findings), ElementsAre(1000, 8000));
}

TEST(Collect, SystemsStandInTheOrderOfTheirFoldersAndTasksByDigits) {
  const test::TemporaryFolder folder;
  json sixteen = row(), question = row();
  sixteen["larimar"]["digits"] = 16;
  question["larimar"]["form"] = "question";
  folder.write("z/results.jsonl", test::lines({of_system(sixteen, "zebra"), of_system(row(), "yak")}));
  folder.write("a/results.jsonl", test::lines({of_system(question, "ant"), of_system(row(2000), "yak")}));
  const std::vector<Folder> folders{{folder.path() / "z", ""}, {folder.path() / "a", ""}};
  const Findings findings = collect(folders, ScoreKind::kValue);
  EXPECT_THAT(findings.systems, ElementsAre("yak", "zebra", "ant"));
  std::vector<std::string> labels;
  for (const Task& task : findings.tasks) labels.push_back(task.label());
  EXPECT_THAT(labels, ElementsAre("passkey 5 digits", "passkey 5 digits, by question", "passkey 16 digits"));
}

TEST(Collect, RunsOfOtherConfigurationsAreNotMixed) {
  const test::TemporaryFolder folder;
  json other = row();
  other["larimar"]["run"] = "r2";
  folder.write("a/results.jsonl", test::lines({row()}));
  folder.write("b/results.jsonl", test::lines({other}));
  std::vector<Folder> folders{{folder.path() / "a", ""}, {folder.path() / "b", ""}};
  EXPECT_THAT(error_of<base::ConfigError>([&] { (void)collect(folders, ScoreKind::kValue); }),
              AllOf(HasSubstr("/a"), HasSubstr("NAME="), HasSubstr("passkey 5 digits at 1000 tokens")));
  folders[1].name = "tuned";
  EXPECT_THAT(collect(folders, ScoreKind::kValue).systems, ElementsAre("larimar, prefix keys", "tuned, prefix keys"));
  folder.write("b/results.jsonl", test::lines({row()}));
  folders[1].name = "";
  EXPECT_EQ(collect(folders, ScoreKind::kValue).rows, 2U) << "the same run in two folders: parts of a grid";
}

TEST(Collect, NothingToShowIsAnError) {
  const test::TemporaryFolder folder;
  json failed = row();
  failed["status"] = "error";
  folder.write("a/results.jsonl", test::lines({failed}));
  folder.write("empty/results.jsonl", "");
  for (const char* name : {"a", "empty"}) {
    const std::vector<Folder> folders{{folder.path() / name, ""}};
    EXPECT_THAT(error_of<base::MissingInputError>([&] { (void)collect(folders, ScoreKind::kValue); }),
                HasSubstr("nothing to show"));
  }
}

TEST(Collect, AFolderNamedTwiceIsRefused) {
  const test::TemporaryFolder folder;
  folder.write("a/results.jsonl", test::lines({row()}));
  const std::vector<Folder> folders{{folder.path() / "a", ""}, {folder.path() / "a/../a", ""}};
  EXPECT_THAT(error_of<base::UsageError>([&] { (void)collect(folders, ScoreKind::kValue); }), HasSubstr("twice"));
}

TEST(Quantile, LiesBetweenTwoValues) {
  const std::vector<double> values{1, 2, 4};
  EXPECT_EQ(quantile(values, 0), 1);
  EXPECT_EQ(quantile(values, 0.5), 2);
  EXPECT_EQ(quantile(values, 0.75), 3);
  EXPECT_EQ(quantile(values, 1), 4);
  EXPECT_EQ(quantile(std::vector<double>{7}, 0.25), 7);
}

}  // namespace
}  // namespace larimar::eval::report
