#include "common/base/interrupt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <limits>
#include <string>
#include <thread>

#include "common/base/error.h"

namespace larimar::base {
namespace {

std::string said_by(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInterrupted);
    return error.what();
  }
  return "";
}

TEST(Interrupt, NothingHappensWithoutAScopeOrASignal) {
  EXPECT_EQ(said_by(throw_if_interrupted), "");
  const InterruptScope scope;
  EXPECT_EQ(said_by(throw_if_interrupted), "");
}

TEST(Interrupt, EachSignalIsNamedAndTheProcessGoesOn) {
  for (const auto& [signal, name] : {std::pair{SIGTERM, "SIGTERM"}, {SIGUSR1, "SIGUSR1"}, {SIGINT, "SIGINT"}}) {
    {
      const InterruptScope scope;
      std::raise(signal);
      EXPECT_THAT(said_by(throw_if_interrupted),
                  testing::AllOf(testing::HasSubstr(name), testing::HasSubstr("the same command again goes on")));
      EXPECT_NE(said_by(throw_if_interrupted), "") << "until the scope ends";
    }
    EXPECT_EQ(said_by(throw_if_interrupted), "") << "no scope, no interrupt";
    const InterruptScope next;
    EXPECT_EQ(said_by(throw_if_interrupted), "") << "a new scope starts without the old signal";
  }
}

TEST(InterruptDeathTest, TheSecondSignalEndsTheProcess) {
  EXPECT_EXIT(
      {
        const InterruptScope scope;
        std::raise(SIGTERM);
        std::raise(SIGTERM);
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(Interrupt, ATimeLimitEndsTheWork) {
  const InterruptScope scope(0.02);
  EXPECT_EQ(said_by(throw_if_interrupted), "");
  std::this_thread::sleep_for(std::chrono::milliseconds(40));
  EXPECT_THAT(said_by(throw_if_interrupted), testing::HasSubstr("--max-time"));
}

TEST(Interrupt, ALimitThatIsNoneIsRefusedAndAVeryLongOneIsNot) {
  EXPECT_THROW(InterruptScope(-1.0), ConfigError);
  EXPECT_THROW(InterruptScope(std::numeric_limits<double>::quiet_NaN()), ConfigError);
  const InterruptScope scope(1e300);
  EXPECT_EQ(said_by(throw_if_interrupted), "");
}

}  // namespace
}  // namespace larimar::base
