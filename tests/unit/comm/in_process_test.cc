#include "tests/support/in_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/clock.h"

namespace larimar::comm {
namespace {

constexpr Tag kData{1};

TEST(InProcessGroup, NeedsARank) {
  EXPECT_THROW(static_cast<void>(make_in_process_group(0)), base::ConfigError);
  EXPECT_EQ(make_in_process_group(4).size(), 4U);
}

TEST(InProcessGroup, AbortWakesTheOthersAndKeepsTheCode) {
  const base::Stopwatch watch;
  try {
    support::run_in_process(
        3,
        [](Transport& t) {
          if (t.rank() == 1) t.abort(base::ExitCode::kIo);
          t.barrier();
        },
        60.0);
    FAIL() << "nothing was thrown";
  } catch (const base::Error& error) {
    EXPECT_EQ(error.code(), base::ExitCode::kIo);
  }
  EXPECT_LT(watch.seconds(), 30.0);  // far less than the patience
}

TEST(RunInProcess, ThrowsTheFirstExceptionNotItsEcho) {
  EXPECT_THROW(support::run_in_process(3,
                                       [](Transport& t) {
                                         if (t.rank() == 2) throw base::ShapeError("mine");
                                         int value = 0;
                                         t.receive(std::span(&value, 1), 2, kData);
                                       }),
               base::ShapeError);
}

TEST(InProcessGroup, BroadcastOfUnequalSizesIsNoticed) {
  EXPECT_THROW(support::run_in_process(2,
                                       [](Transport& t) {
                                         std::vector<int> values(t.rank() == 0 ? 3 : 2);
                                         t.broadcast(std::span(values), 0);
                                       }),
               base::CommError);
}

TEST(SingleTransport, IsFast) {
  const auto t = make_single_transport();
  const base::Stopwatch watch;
  std::vector<int> values(16, 1);
  for (int i = 0; i < 10'000; ++i) {
    t->broadcast(std::span(values), 0);
    static_cast<void>(t->all_gather_one(i));
    t->barrier();
  }
  EXPECT_LT(watch.seconds(), 2.0);  // one sleep in each round would be ten seconds
}

}  // namespace
}  // namespace larimar::comm
