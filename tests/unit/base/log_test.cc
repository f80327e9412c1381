#include "common/base/log.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::base {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "larimar_log_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    testing::internal::CaptureStderr();
  }
  void TearDown() override {
    open_log({});
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  fs::path folder;
};

TEST_F(LogTest, AMessageNamesRankHostAndLevel) {
  open_log({.rank = 2, .host = "node7"});
  log(LogLevel::kWarning, "100 % of {} is left as it is");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "[rank 2 node7] warning: 100 % of {} is left as it is\n");
}

TEST_F(LogTest, MessagesBelowTheLevelAreLeftOut) {
  open_log({.rank = 0, .host = "a", .folder = {}, .level = LogLevel::kWarning});
  log(LogLevel::kInfo, "small talk");
  log(LogLevel::kError, "trouble");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "[rank 0 a] error: trouble\n");
}

TEST_F(LogTest, EachRankHasItsFile) {
  open_log({.rank = 3, .host = "b", .folder = folder / "logs"});
  log(LogLevel::kInfo, "here");
  EXPECT_THAT(testing::internal::GetCapturedStderr(), EndsWith("info: here\n"));
  const std::string text = read_file(folder / "logs" / "rank-3.log");
  EXPECT_THAT(text, EndsWith(" [rank 3 b] info: here\n"));
  EXPECT_EQ(text.find('T'), 10U);  // 2031-01-02T...
}

TEST_F(LogTest, AFileThatCannotBeMadeIsOneClearError) {
  fs::create_directories(folder / "rank-0.log");
  try {
    open_log({.rank = 0, .host = "b", .folder = folder});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kCannotCreate);
    EXPECT_THAT(error.what(), HasSubstr("rank-0.log"));
  }
  testing::internal::GetCapturedStderr();
}

}  // namespace
}  // namespace larimar::base
