#include "common/base/progress.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

namespace larimar::base {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

ProgressText ingest(ProgressStyle style, std::size_t columns = 80) {
  return {{.label = "Ingest", .total = 1000, .unit = "tokens"}, style, columns};
}

TEST(ProgressText, ABarShowsPercentRateAndTimeLeft) {
  EXPECT_EQ(ingest(ProgressStyle::kBar).update(250, 10.0),
            "\r\033[KIngest [#####...............] 25 %  25 tokens/s  ETA 0:30");
}

TEST(ProgressText, ABarIsRedrawnAtMostTenTimesASecond) {
  ProgressText text = ingest(ProgressStyle::kBar);
  int drawn = 0;
  for (int i = 0; i < 1000; ++i) drawn += text.update(1, i / 1000.0) ? 1 : 0;
  EXPECT_EQ(drawn, 10);
}

TEST(ProgressText, ALogGetsALineAtMostEachTenSeconds) {
  ProgressText text = ingest(ProgressStyle::kLines);
  EXPECT_EQ(text.update(1, 9.9), std::nullopt);
  EXPECT_EQ(text.update(500, 10.0), "Ingest: 50 %, 500 of 1000 tokens, 50 tokens/s, 0:10 left\n");
  EXPECT_EQ(text.update(501, 19.9), std::nullopt);
  EXPECT_NE(text.update(502, 20.0), std::nullopt);
}

TEST(ProgressText, TheClosingLineTellsWhatWasDone) {
  EXPECT_EQ(ingest(ProgressStyle::kLines).finish(1000, 4.0), "Ingest: 1000 tokens in 4.0 s, 250 tokens/s\n");
  EXPECT_EQ(ingest(ProgressStyle::kBar).finish(1000, 4.0), "\r\033[KIngest: 1000 tokens in 4.0 s, 250 tokens/s\n");
}

TEST(ProgressText, AnUnknownTotalHasNoPercentAndNoEstimate) {
  ProgressText text({.label = "Read", .total = 0, .unit = "bytes"}, ProgressStyle::kLines);
  EXPECT_EQ(text.update(7, 10.0), "Read: 7 bytes, 0.70 bytes/s\n");
}

TEST(ProgressText, NothingDoneYetHasNoEstimate) {
  EXPECT_EQ(ingest(ProgressStyle::kLines).update(0, 10.0), "Ingest: 0 %, 0 of 1000 tokens, 0.00 tokens/s\n");
}

TEST(ProgressText, MoreThanTheTotalStaysAtHundredPercent) {
  EXPECT_THAT(*ingest(ProgressStyle::kBar).update(3000, 10.0), HasSubstr("[####################] 100 %"));
}

TEST(ProgressText, AlmostAllIsNotHundredPercent) {
  EXPECT_THAT(*ingest(ProgressStyle::kLines).update(999, 10.0), StartsWith("Ingest: 99 %"));
}

TEST(ProgressText, ALongEstimateIsWrittenInHours) {
  EXPECT_THAT(*ingest(ProgressStyle::kLines).update(10, 100.0), HasSubstr("2:45:00 left"));
}

TEST(ProgressText, ABarNeverReachesTheLastColumn) {
  EXPECT_EQ(ingest(ProgressStyle::kBar, 30).update(250, 10.0), "\r\033[KIngest [#####...............]");  // 29 columns
}

TEST(Progress, OffWritesNothing) {
  testing::internal::CaptureStderr();
  Progress progress("Ingest", 10, "tokens", Progress::Mode::kOff);
  progress.advance(10);
  progress.finish();
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
}

TEST(Progress, InAFileShortWorkLeavesOneLine) {
  testing::internal::CaptureStderr();
  {
    Progress progress("Ingest", 10, "tokens");
    progress.advance(4);
    progress.advance();
    progress.set(10);
    progress.finish();
    progress.finish();
  }
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, StartsWith("Ingest: 10 tokens in "));
  EXPECT_EQ(text.find('\n'), text.size() - 1);
  EXPECT_THAT(text, Not(HasSubstr("\r")));
}

/// Standard error on a pseudo-terminal, for as long as it lives.
class TerminalStderr {
 public:
  TerminalStderr() : main_(::posix_openpt(O_RDWR | O_NOCTTY)), saved_(::dup(STDERR_FILENO)) {
    const bool ready = main_ >= 0 && ::grantpt(main_) == 0 && ::unlockpt(main_) == 0;
    side_ = ready ? ::open(::ptsname(main_), O_RDWR | O_NOCTTY) : -1;
    if (side_ >= 0) ::dup2(side_, STDERR_FILENO);
  }
  TerminalStderr(const TerminalStderr&) = delete;
  TerminalStderr& operator=(const TerminalStderr&) = delete;
  ~TerminalStderr() {
    ::dup2(saved_, STDERR_FILENO);
    for (const int descriptor : {main_, saved_, side_}) ::close(descriptor);
  }
  [[nodiscard]] bool ready() const { return side_ >= 0; }
  /// What was written, up to its first line end. A terminal passes bytes on in its own time, so reading waits for them.
  [[nodiscard]] std::string shown() const {
    std::string text;
    pollfd ready{main_, POLLIN, 0};
    while (text.find('\n') == std::string::npos && ::poll(&ready, 1, 5000) > 0) {
      std::array<char, 4096> chunk{};
      const ssize_t size = ::read(main_, chunk.data(), chunk.size());
      if (size <= 0) break;
      text.append(chunk.data(), static_cast<std::size_t>(size));
    }
    return text;
  }

 private:
  int main_;
  int saved_;
  int side_ = -1;
};

TEST(Progress, OnATerminalTheBarIsReplacedByTheClosingLine) {
  std::string shown;
  {
    const TerminalStderr terminal;
    if (!terminal.ready()) GTEST_SKIP() << "LARIMAR SKIPPED: no pseudo-terminal here";
    Progress progress("Ingest", 10, "tokens");
    progress.set(5);
    progress.finish();
    shown = terminal.shown();
  }
  EXPECT_THAT(shown, StartsWith("\r\033[KIngest [##########..........] 50 %"));
  EXPECT_THAT(shown, HasSubstr("\r\033[KIngest: 5 tokens in "));
}

TEST(Progress, WorkThatFailsClaimsNoEnd) {
  testing::internal::CaptureStderr();
  try {
    Progress progress("Ingest", 10, "tokens");
    progress.advance(4);
    throw std::runtime_error("stopped");
  } catch (const std::runtime_error&) {
  }
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
}

}  // namespace
}  // namespace larimar::base
