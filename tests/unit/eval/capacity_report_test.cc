#include "eval/capacity_report.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/capacity_score.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using linalg::Index;
using linalg::Matrix;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

CapacityRow row(const std::string& memory, Index slots, Index facts, const std::string& measure, std::size_t hits) {
  CapacityRow one;
  one.source = "a<b";
  one.keys = "code";
  one.memory = memory;
  one.slots = slots;
  one.facts = facts;
  one.asked = "written";
  one.measure = measure;
  one.recall = {.n = 4, .hits = hits};
  return one;
}

std::vector<CapacityRow> some_rows() {
  std::vector<CapacityRow> rows{row("dense", 8, 4, "recalled", 4), row("dense", 8, 16, "recalled", 1),
                                row("dense", 8, 4, "exact", 4), row("stored", 4, 4, "recalled", 4),
                                row("dense-ben-cohen", 8, 16, "", 0)};
  rows.back().status = "diverged";
  rows.back().note = "said, with a comma";
  return rows;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(CapacityScore, MeasuresAreWhatTheyAreDefinedAs) {
  Matrix codes(3, 2);
  codes << 1, 0, 0, 2, -1, 0;
  const CodeIndex index(codes);
  Matrix reads(5, 2);
  // exact; exact but for 2 %; own code nearest but at 60.3 degrees; another code nearer; nothing at all
  reads << 1, 0, 0.02F, 2, 0.495F, -0.869F, 0.1F, 5, 0, 0;
  const std::vector<Index> facts{0, 1, 0, 0, 2};
  const ReadScores scores = index.score(reads, facts);
  EXPECT_EQ(scores.exact.hits, 1U + 1U) << "2 / 200 is 1 % of the second";
  EXPECT_EQ(scores.recalled.hits, 2U);
  EXPECT_EQ(scores.identified.hits, 3U);
  for (const Recall& measure : {scores.exact, scores.recalled, scores.identified}) EXPECT_EQ(measure.n, 5U);
  EXPECT_THROW((void)index.score(reads.leftCols(1), facts), base::ShapeError);
  EXPECT_THROW((void)index.score(reads.topRows(2), facts), base::ShapeError);
}

TEST(CapacityReport, CsvAndJsonHoldTheSameFields) {
  const auto rows = some_rows();
  const std::string csv = capacity_csv(rows);
  EXPECT_TRUE(csv.starts_with("source,keys,memory,slots,facts,asked,measure,n,hits,value,low,high,status,note\n"));
  EXPECT_THAT(csv, HasSubstr("a<b,code,dense,8,16,written,recalled,4,1,0.25,"));
  EXPECT_THAT(csv, HasSubstr("diverged,\"said, with a comma\"\n"));
  EXPECT_EQ(count(csv, "\n"), rows.size() + 1);
  const auto json = capacity_json(rows, {.seed = 9});
  EXPECT_EQ(json["seed"], 9);
  ASSERT_EQ(json["rows"].size(), rows.size());
  EXPECT_EQ(json["rows"][1]["value"], 0.25);
  EXPECT_EQ(json["rows"][4]["status"], "diverged");
  for (const auto& object : json["rows"]) {
    for (const auto& [name, value] : object.items()) EXPECT_FALSE(value.is_structured()) << name;
  }
}

TEST(CapacityReport, TheDrawingHasALineForEachCurveAndEscapesNames) {
  const std::string svg = draw_capacity(some_rows(), "a<b");
  EXPECT_TRUE(svg.starts_with("<svg xmlns") && svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "<polyline"), 5U + 1U + 1U) << "stored in five panels, dense solid and dashed";
  EXPECT_EQ(count(svg, "stroke-dasharray"), 1U);
  EXPECT_THAT(svg, AllOf(HasSubstr("a&lt;b"), Not(HasSubstr("a<b")), HasSubstr("dashed: exact"),
                         HasSubstr("dense-ben-cohen (diverged where no dot)")));
  // N from 4 to 16 fills a panel of 178 pixels that begins at 44, 92; recall 1 and 0.25.
  EXPECT_THAT(svg, HasSubstr("points=\"44.0,92.0 222.0,225.5\""));
  auto decoded = some_rows();
  decoded.push_back(row("dense", 8, 4, "decoded", 3));
  EXPECT_THAT(draw_capacity(decoded, "a<b"), HasSubstr("dashed: decoded"));
}

TEST(CapacityReport, FilesAppearForEachSource) {
  const test::TemporaryFolder folder;
  auto rows = some_rows();
  for (CapacityRow& one : rows) one.source = "random";
  write_capacity(folder.path() / "out", rows, {});
  EXPECT_EQ(base::read_file(folder.path() / "out/capacity.csv"), capacity_csv(rows));
  EXPECT_EQ(base::read_file(folder.path() / "out/capacity-random.svg"), draw_capacity(rows, "random"));
  EXPECT_EQ(nlohmann::json::parse(base::read_file(folder.path() / "out/capacity.json"))["rows"].size(), rows.size());
}

}  // namespace
}  // namespace larimar::eval
