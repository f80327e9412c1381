#include "eval/summary.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "eval/results.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using testing::HasSubstr;

std::vector<Row> make_rows() {
  std::vector<Row> rows;
  for (int i = 0; i < 70; ++i) {
    Row row;
    row.cell = std::to_string(i);
    row.kind = i < 50 ? "passkey" : "everyday";
    row.digits = i < 50 ? 5 : 0;
    row.context.tokens = 1000;
    row.key_mode = "prefix";
    row.form = i < 60 ? "prefix" : "question";
    row.score.retrieval_any = true;
    row.score.retrieval_first = i % 2 == 0;
    row.score.wording = row.score.wording_any = i != 7;
    rows.push_back(row);
  }
  return rows;
}

TEST(Summarize, GroupsByKindLengthKeyModeAndForm) {
  const std::vector<SummaryGroup> groups = summarize(make_rows());
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].kind, "everyday");
  EXPECT_EQ(groups[0].form, "prefix");
  EXPECT_EQ(groups[1].form, "question");
  EXPECT_EQ(groups[2].digits, 5);
  EXPECT_EQ(groups[2].wording.n, 50U);
  EXPECT_EQ(groups[2].wording.hits, 49U);
  EXPECT_EQ(groups[2].retrieval_first.hits, 25U);
  EXPECT_EQ(groups[2].retrieval_any.hits, 50U);
  EXPECT_TRUE(summarize({}).empty());
}

TEST(Summarize, CellsAreApartByDepthAndSystem) {
  std::vector<Row> rows = make_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].depth = i % 2 == 0 ? 0 : 100;
    rows[i].score.value = i % 2 == 0 ? 1 : 0.5;
    if (i < 10) rows[i].system.name = "bm25";
  }
  const std::vector<SummaryGroup> cells = summarize(rows, SummaryBy::kCell);
  ASSERT_EQ(cells.size(), 2U + 2 + 2 + 2);
  EXPECT_EQ(cells[0].system, "bm25");
  EXPECT_EQ(cells[0].wording.n, 5U);
  EXPECT_EQ(cells[1].depth, 100);
  EXPECT_EQ(cells[1].score, 0.5);
  EXPECT_EQ(summarize(rows).size(), 4U);
}

TEST(Summarize, PrintsCountsAndIntervals) {
  const std::string table = to_markdown(summarize(make_rows()));
  EXPECT_THAT(table, HasSubstr("| 5 digits | 1000 | prefix | prefix | 50 | 0.50 (25/50, 0.37 to 0.63) |"));
  EXPECT_THAT(table, HasSubstr("0.98 (49/50, 0.90 to 1.00)"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 5);
}

TEST(WriteSummary, ReadsTheRowsOfAFolder) {
  const test::TemporaryFolder folder;
  ResultLog log(folder.path(), {{"model", "m"}});
  for (const Row& row : make_rows()) log.append(row);
  EXPECT_EQ(write_summary(folder.path()).size(), 3U);
  const nlohmann::json summary = nlohmann::json::parse(base::read_file(folder.path() / "summary.json"));
  EXPECT_EQ(summary["groups"][2]["n"], 50);
  EXPECT_EQ(summary["groups"][2]["wording"]["hits"], 49);
  EXPECT_EQ(summary["cells"].size(), 3U);
  EXPECT_EQ(summary["cells"][2]["depth_percent"], 0);
  EXPECT_NEAR(summary["groups"][2]["wording"]["low"].get<double>(), 0.895, 1e-3);
}

TEST(WriteSummary, NamesAMissingFile) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(test::error_of<base::MissingInputError>([&] { write_summary(folder.path()); }),
              HasSubstr("results.jsonl"));
}

}  // namespace
}  // namespace larimar::eval
