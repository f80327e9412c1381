#include "eval/report/figures.h"

#include <gmock/gmock.h>

#include <set>

#include "eval/report/chart.h"
#include "eval/report/comparison.h"
#include "eval/report/heatmap.h"
#include "tests/unit/eval_report/support.h"

namespace larimar::eval::report {
namespace {

using nlohmann::json;
using test::count;
using test::row;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

json of(json one, const std::string& system) {
  one["larimar"]["system"] = system;
  one["larimar"]["key_mode"] = "";
  return one;
}

Findings findings_of(const std::vector<json>& rows) {
  const test::TemporaryFolder folder;
  folder.write("results.jsonl", test::lines(rows));
  const std::vector<Folder> folders{{folder.path(), ""}};
  return collect(folders, ScoreKind::kValue);
}

Findings two_systems() {
  Findings findings = findings_of(
      {of(row(1000, 0, 1), "a"), of(row(1000, 100, 0), "a"), of(row(8000, 100, 1), "a"), of(row(1000, 50, 0.5), "b")});
  findings.published = {{"Mistral", "passkey 5 digits", 24000, 0.62, "a paper"},
                        {"Mistral", "passkey 5 digits", 1000, 0.66, "a paper"},
                        {"Mistral", "another task", 1000, 0.8, "a paper"}};
  return findings;
}

/// The y of a text in a drawing.
double y_of(const std::string& svg, const std::string& text) {
  const std::size_t end = svg.find(">" + text + "</text>");
  EXPECT_NE(end, std::string::npos) << text;
  const std::size_t begin = svg.rfind(" y=\"", end);
  return std::stod(svg.substr(begin + 4));
}

TEST(Heatmap, DepthZeroIsOnTopAndEveryCellIsThere) {
  const Findings findings = two_systems();
  const Figure figure = draw_heatmap(findings, "a", findings.tasks[0], Scale::kViridis);
  EXPECT_LT(y_of(figure.svg, "0 %"), y_of(figure.svg, "50 %"));
  EXPECT_LT(y_of(figure.svg, "50 %"), y_of(figure.svg, "100 %"));
  EXPECT_EQ(count(figure.svg, ">n=1</text>"), 3U);
  EXPECT_EQ(count(figure.svg, ": not run</title>"), 3U)
      << "three depths of both systems by two lengths, three of them run";
  EXPECT_THAT(figure.svg, AllOf(HasSubstr("8000 tokens, depth 100 %: 1.0000, n = 1, 95 % interval 0.21 to 1.00"),
                                HasSubstr("fill=\"#f4e55d\""), HasSubstr("fill=\"#351864\"")));
  EXPECT_EQ(figure.csv,
            "system,task,length,depth_percent,n,recall,low,high\n"
            "a,passkey 5 digits,1000,0,1,1.000000,0.206549,1.000000\n"
            "a,passkey 5 digits,1000,100,1,0.000000,0.000000,0.793451\n"
            "a,passkey 5 digits,8000,100,1,1.000000,0.206549,1.000000\n");
  EXPECT_THAT(draw_heatmap(findings, "a", findings.tasks[0], Scale::kRedYellowGreen).svg,
              AllOf(HasSubstr("fill=\"#b3262e\""), Not(HasSubstr("#351864"))));
}

TEST(Chart, PutsValuesWhereTheyBelong) {
  Chart chart{"t", "recall", {}, true, [](double) { return std::string("tick"); }};
  chart.lines = {{"one", {{1000, 1, 0.5, 1}, {10000, 0.5, 0.25, 0.75}, {100000, 0, 0, 0.5}}, 0, false}};
  const std::string svg = draw_chart(chart);
  // The plot is 190 high and begins at 52; three lengths a decade apart stand evenly between 70 and 338.
  EXPECT_THAT(svg, AllOf(HasSubstr("points=\"70.0,52.0 204.0,147.0 338.0,242.0\""), HasSubstr(">1K</text>"),
                         HasSubstr(">10K</text>"), HasSubstr(">100K</text>"), Not(HasSubstr("dasharray")),
                         HasSubstr("y1=\"194.5\" x2=\"204.0\" y2=\"99.5\"")));
  EXPECT_EQ(count(svg, "<circle"), 4U) << "three values and the legend";
}

TEST(Chart, PublishedIsDashedHollowAndSaidSo) {
  Chart chart{"t", "recall", {}, true, [](double) { return std::string("tick"); }};
  chart.lines = {{"ours", {{1000, 1, 1, 1}}, 0, false},
                 {"theirs", {{1000, 0.5, 0.5, 0.5}, {2000, 0.5, 0.5, 0.5}}, 1, true}};
  EXPECT_THAT(draw_chart(chart), AllOf(HasSubstr("dasharray"), HasSubstr("class=\"hollow line1\""),
                                       HasSubstr("theirs (published)"), Not(HasSubstr("ours (published)"))));
}

TEST(Chart, LogarithmsTakeAZeroAndASingleLength) {
  Chart chart{"t", "seconds", {}, false, [](double value) { return std::to_string(value); }};
  chart.lines = {{"one", {{1000, 0, 0, 0}}, 0, false}};
  const std::string svg = draw_chart(chart);
  EXPECT_THAT(svg, AllOf(HasSubstr("cx=\"204.0\" cy=\"242.0\""), Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
}

TEST(Comparison, ShowsEverySystemOfALength) {
  const Findings findings = two_systems();
  const std::string svg = draw_comparison(findings, 1000);
  EXPECT_THAT(svg, AllOf(HasSubstr(">passkey 5 digits</text>"), HasSubstr(">a</text>"), HasSubstr(">b</text>"),
                         HasSubstr("Mistral (published)"), HasSubstr(">0.66</text>"), Not(HasSubstr(">0.62</text>"))));
  EXPECT_THAT(draw_comparison(findings, 8000), Not(HasSubstr("Mistral")));
  EXPECT_EQ(look_of(findings, "b", false), 1U);
  EXPECT_EQ(look_of(findings, "Mistral", true), 2U);
  EXPECT_THAT(all_task_labels(findings), testing::ElementsAre("passkey 5 digits", "another task"));
}

TEST(Drawing, LooksDifferForManySystems) {
  std::set<std::string> looks;
  for (std::size_t i = 0; i < 49; ++i) looks.insert(mark(10, 10, i, false));
  EXPECT_EQ(looks.size(), 49U);
}

TEST(Drawing, LongTextsEndInAnEllipsis) {
  EXPECT_EQ(shortened("abc", 3), "abc");
  EXPECT_EQ(shortened("abcd", 3), "ab\xE2\x80\xA6");
  EXPECT_EQ(shortened("\xC3\xA9\xC3\xA9\xC3\xA9", 2), "\xC3\xA9\xE2\x80\xA6");
}

TEST(Figures, HaveNamesOfTheirOwnAndTheSameBytes) {
  std::vector<json> rows;
  for (const char* text : test::kHostile) rows.push_back(of(row(), text));
  const Figures figures = draw_figures(findings_of(rows), Scale::kViridis);
  const Figures again = draw_figures(findings_of(rows), Scale::kViridis);
  EXPECT_EQ(figures.heatmaps.size(), rows.size());
  EXPECT_EQ(figures.curves.size(), 1U);
  EXPECT_EQ(figures.comparisons.size(), 1U);
  EXPECT_EQ(figures.costs.size(), 1U) << "no first_job.json: time alone";
  std::set<std::string> names;
  for (std::size_t i = 0; i < figures.all().size(); ++i) {
    const Figure& figure = *figures.all()[i];
    EXPECT_TRUE(names.insert(figure.name).second) << figure.name;
    EXPECT_EQ(figure.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
    EXPECT_EQ(figure.svg, again.all()[i]->svg);
    EXPECT_EQ(figure.csv, again.all()[i]->csv);
    EXPECT_THAT(figure.svg,
                AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<svg onload")), Not(HasSubstr("\" onmouseover")),
                      Not(HasSubstr("]]>")), Not(HasSubstr("\xE2\x80\xAE"))));
  }
}

TEST(Figures, TimesAndMemoryAreTheRowsAndJobsOwn) {
  json slow = row();
  slow["duration_seconds"] = 2.5;
  Findings findings = findings_of({row(), row(), slow});
  findings.costs = {{"larimar", 5000, {}, 2, 3e8, 5e8}};
  const Figures figures = draw_figures(findings, Scale::kViridis);
  ASSERT_EQ(figures.costs.size(), 2U);
  EXPECT_THAT(figures.costs[0].csv, HasSubstr("\"larimar, prefix keys\",1000,3,0.500000,0.500000,1.500000\n"));
  EXPECT_THAT(figures.costs[1].csv, HasSubstr("larimar,5000,2,300000000,500000000\n"));
  EXPECT_THAT(figures.costs[1].svg,
              AllOf(HasSubstr(">larimar, largest rank<"), HasSubstr(">larimar, all ranks<"), HasSubstr(">1 GB<")));
}

TEST(SummaryCsv, TellsMeasuredFromPublished) {
  EXPECT_EQ(summary_csv(two_systems()),
            "task,length,system,origin,n,recall,low,high,source\n"
            "passkey 5 digits,1000,a,measured,2,0.500000,0.094531,0.905469,\n"
            "passkey 5 digits,1000,b,measured,1,0.500000,0.054621,0.945379,\n"
            "passkey 5 digits,8000,a,measured,1,1.000000,0.206549,1.000000,\n"
            "passkey 5 digits,24000,Mistral,published,,0.620000,,,a paper\n"
            "passkey 5 digits,1000,Mistral,published,,0.660000,,,a paper\n"
            "another task,1000,Mistral,published,,0.800000,,,a paper\n");
}

}  // namespace
}  // namespace larimar::eval::report
