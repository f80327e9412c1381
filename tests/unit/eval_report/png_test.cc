#include "eval/report/png.h"

#include <gmock/gmock.h>

#include "eval/report/drawing.h"
#include "tests/unit/eval_report/support.h"

namespace larimar::eval::report {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using testing::AllOf;
using testing::HasSubstr;

/// PATH of the tests that follow in this process is put back.
class Path {
 public:
  explicit Path(const std::string& value) : before_(std::getenv("PATH") ? std::getenv("PATH") : "") {
    ::setenv("PATH", value.c_str(), 1);
  }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;
  ~Path() { ::setenv("PATH", before_.c_str(), 1); }

 private:
  std::string before_;
};

TEST(FindRenderer, NamesThePackageIfTheProgramIsAbsent) {
  const test::TemporaryFolder folder;
  for (const std::string& value : {std::string(), folder.path().string(), "::" + folder.path().string()}) {
    const Path path(value);
    try {
      (void)find_renderer();
      FAIL() << "found in " << value;
    } catch (const base::ConfigError& error) {
      EXPECT_EQ(error.code(), base::ExitCode::kConfig);
      EXPECT_THAT(error.what(), AllOf(HasSubstr("rsvg-convert"), HasSubstr("librsvg2-bin"), HasSubstr("--png")));
    }
  }
}

TEST(FindRenderer, SkipsWhatCannotBeRun) {
  const test::TemporaryFolder folder;
  folder.write("plain/rsvg-convert", "no program");
  const fs::path program = folder.write("real/rsvg-convert", "#!/bin/sh\n");
  fs::permissions(program, fs::perms::owner_all);
  fs::permissions(folder.path() / "plain/rsvg-convert", fs::perms::owner_read);
  const Path path((folder.path() / "plain").string() + ":" + (folder.path() / "real").string());
  EXPECT_EQ(find_renderer(), program);
}

TEST(RenderPng, AFailureLeavesNothingBehind) {
  const test::TemporaryFolder folder;
  const fs::path program = folder.write("fails", "#!/bin/sh\n: > \"$4\"\nexit 3\n");
  fs::permissions(program, fs::perms::owner_all);
  const fs::path svg = folder.write("a.svg", "<svg/>");
  for (const fs::path& renderer : {program, folder.path() / "absent"}) {
    EXPECT_THAT(error_of<base::IoError>([&] { render_png(renderer, svg, folder.path() / "a.png"); }),
                AllOf(HasSubstr("a.png"), HasSubstr("a.svg")));
    EXPECT_FALSE(fs::exists(folder.path() / "a.png"));
    EXPECT_FALSE(fs::exists(folder.path() / "a.png.part"));
  }
}

TEST(RenderPng, MakesAPngOfTwiceTheSize) {
  fs::path renderer;
  try {
    renderer = find_renderer();
  } catch (const base::ConfigError& error) {
    GTEST_SKIP() << "LARIMAR SKIPPED: " << error.what();
  }
  const test::TemporaryFolder folder;
  const fs::path svg = folder.write("-a.svg", open_drawing(30, 20, "t") + label(1, 10, "start", "x") + close_drawing());
  render_png(renderer, svg, folder.path() / "a.png");
  const std::string png = base::read_file(folder.path() / "a.png");
  ASSERT_GT(png.size(), 24U);
  EXPECT_EQ(png.substr(1, 3), "PNG");
  EXPECT_EQ(png[19], 60);
  EXPECT_EQ(png[23], 40);
}

}  // namespace
}  // namespace larimar::eval::report
