#include "eval/report/page.h"

#include <gmock/gmock.h>

#include "eval/report/report.h"
#include "tests/unit/eval_report/support.h"

namespace larimar::eval::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::count;
using test::error_of;
using test::row;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

ReportOptions options_of(const test::TemporaryFolder& folder) {
  ReportOptions options;
  options.folders = {{folder.path() / "in", ""}};
  options.out = folder.path() / "out";
  return options;
}

/// Rows and published rows whose every text is hostile.
ReportOptions hostile_report(const test::TemporaryFolder& folder) {
  std::vector<json> rows;
  json published = json::array();
  for (const char* text : test::kHostile) {
    json one = row();
    for (const char* field : {"system", "kind", "form", "key_mode"}) one["larimar"][field] = text;
    rows.push_back(one);
    published.push_back({{"system", text}, {"task", text}, {"length", 1000}, {"value", 0.5}, {"source", text}});
  }
  folder.write("in/results.jsonl", test::lines(rows));
  folder.write("in/first_job.json",
               json{{"tokens", 1000}, {"seconds", {{"<b>phase", 1}}}, {"ranks", {{{"peak_memory_bytes", 5}}}}}.dump());
  ReportOptions options = options_of(folder);
  options.published = folder.write("published.json", published.dump());
  options.title = "</title><script>alert(1)</script>";
  options.command = "larimar report '</pre><script>alert(1)</script>'";
  return options;
}

std::string page_of(const ReportOptions& options) {
  write_report(options);
  return base::read_file(options.out / "index.html");
}

TEST(Page, NoTextGetsOutOfItsPlace) {
  const test::TemporaryFolder folder;
  const std::string page = page_of(hostile_report(folder));
  EXPECT_THAT(page, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<svg onload")), Not(HasSubstr("\" onmouseover")),
                          Not(HasSubstr("' style='x")), Not(HasSubstr("<!-- -->")), Not(HasSubstr("<b>phase")),
                          Not(HasSubstr("\xE2\x80\xAE")), Not(HasSubstr("\x01"))));
  EXPECT_EQ(count(page, "</title>"), count(page, "<title>"));
  EXPECT_EQ(count(page, "</pre>"), 1U);
  EXPECT_THAT(page, HasSubstr("<bdi>&lt;/title&gt;&lt;script&gt;"));
}

TEST(Page, AsksForNothing) {
  const test::TemporaryFolder folder;
  const std::string page = page_of(hostile_report(folder));
  EXPECT_THAT(page, AllOf(HasSubstr("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\""),
                          Not(HasSubstr("src=\"")), Not(HasSubstr("@import")), Not(HasSubstr("url("))));
  EXPECT_EQ(count(page, "http://") + count(page, "https://"), count(page, "xmlns=\"http://www.w3.org/2000/svg\""));
}

TEST(Page, EqualInputsGiveEqualBytes) {
  const test::TemporaryFolder folder;
  ReportOptions options = hostile_report(folder);
  const std::string page = page_of(options);
  options.out = folder.path() / "again";
  EXPECT_EQ(page_of(options), page);
  for (const auto& entry : fs::directory_iterator(folder.path() / "out"))
    EXPECT_EQ(base::read_file(entry.path()), base::read_file(options.out / entry.path().filename())) << entry.path();
}

TEST(Page, SaysWhatItShows) {
  const test::TemporaryFolder folder;
  json failed = row();
  failed["status"] = "error";
  folder.write("in/results.jsonl", test::lines({row(1000, 0, 1), row(1000, 100, 0), failed}));
  ReportOptions options = options_of(folder);
  options.published = folder.write(
      "p.json",
      R"([{"system": "Mistral", "task": "passkey 5 digits", "length": 24000, "value": 0.62, "source": "a paper"}])");
  options.command = "larimar report in --out out";
  const std::string page = page_of(options);
  EXPECT_THAT(page, AllOf(HasSubstr("<b>0.50</b>"), HasSubstr("0.09 to 0.91, n = 2"),
                          HasSubstr("<b>0.62</b> <bdi>Mistral</bdi>"), HasSubstr("published, not measured here"),
                          HasSubstr("<bdi>a paper</bdi>"), HasSubstr("not run"),
                          HasSubstr("<pre>larimar report in --out out</pre>"), HasSubstr("How recall is scored"),
                          HasSubstr("Left out: 1 rows whose status is not ok"), HasSubstr("prefers-color-scheme: dark"),
                          HasSubstr("name=\"viewport\"")));
  EXPECT_THAT(page, HasSubstr("its own score"));
  options.score = ScoreKind::kRetrieval;
  EXPECT_THAT(page_of(options), AllOf(HasSubstr("<b>1.00</b>"), HasSubstr("read first")));
  options.score = ScoreKind::kWording;
  EXPECT_THAT(page_of(options), HasSubstr("expected string stands"));
}

TEST(WriteReport, ChecksEverythingBeforeItWrites) {
  const test::TemporaryFolder folder;
  folder.write("in/results.jsonl", "{}\n");
  ReportOptions options = options_of(folder);
  EXPECT_THAT(error_of<base::FormatError>([&] { write_report(options); }), HasSubstr("line 1"));
  folder.write("in/results.jsonl", test::lines({row()}));
  options.published = folder.path() / "absent.json";
  EXPECT_THAT(error_of<base::MissingInputError>([&] { write_report(options); }), HasSubstr("absent.json"));
  EXPECT_FALSE(fs::exists(options.out));
  options.published.clear();
  options.out = folder.path() / "in/results.jsonl/out";
  EXPECT_FALSE(error_of<base::Error>([&] { write_report(options); }).empty());
}

TEST(ParseFolder, TakesNamesAndPaths) {
  EXPECT_EQ(parse_folder("out/a").path, "out/a");
  EXPECT_EQ(parse_folder("base=out/a").name, "base");
  EXPECT_EQ(parse_folder("base=out/a").path, "out/a");
  const test::TemporaryFolder folder;
  folder.write("a=b/x", "");
  EXPECT_EQ(parse_folder((folder.path() / "a=b").string()).name, "") << "a folder that is there";
  EXPECT_THAT(error_of<base::UsageError>([] { (void)parse_folder("=out"); }), HasSubstr("NAME=FOLDER"));
  EXPECT_THAT(error_of<base::UsageError>([] { (void)parse_folder("name="); }), HasSubstr("NAME=FOLDER"));
}

}  // namespace
}  // namespace larimar::eval::report
