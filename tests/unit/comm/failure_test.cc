// What the seam does when something is wrong: a clear CommError on the rank that sees it, never a hang or an abort.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <thread>

#include "common/base/clock.h"
#include "common/comm/agree.h"
#include "tests/unit/comm/ranks.h"

namespace larimar::comm {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr Tag kData{5};

class FailureTest : public testing::TestWithParam<int> {
 protected:
  static void run(const std::function<void(Transport&)>& program) { test::on_ranks({.ranks = GetParam()}, program); }
};
INSTANTIATE_TEST_SUITE_P(Ranks, FailureTest, testing::ValuesIn(test::rank_counts()));

template <class Exception = base::CommError, class Work>
std::string message_of(Work&& work) {
  try {
    work();
  } catch (const Exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST_P(FailureTest, AMessageThatNeverComesEndsAtTheDeadline) {
  run([](Transport& t) {
    const PhaseScope phase(t, "reading");
    const base::Stopwatch watch;
    std::string text;
    {
      const PatienceScope brief(t, 0.3);
      int value = 0;
      text = message_of([&] { t.receive(std::span(&value, 1), t.size() - 1, kData); });
    }
    EXPECT_THAT(text,
                AllOf(HasSubstr("rank " + std::to_string(t.rank()) + " on " + t.host()), HasSubstr("phase 'reading'"),
                      HasSubstr("0.3 s"), HasSubstr("tag 5"), HasSubstr("with rank " + std::to_string(t.size() - 1))));
    EXPECT_GE(watch.seconds(), 0.3);
    EXPECT_LT(watch.seconds(), 10.0);
    EXPECT_THAT(message_of([&] { t.barrier(); }), HasSubstr("earlier call failed"));
  });
}

TEST_P(FailureTest, SilenceEndsReceiveAny) {
  run([](Transport& t) {
    t.set_patience(0.3);
    EXPECT_THAT(message_of([&] { static_cast<void>(t.receive_any<int>(kData)); }),
                HasSubstr("a message from any rank of tag 5"));
  });
}

TEST_P(FailureTest, ARankThatReportsMayTakeLongerThanThePatience) {
  run([](Transport& t) {
    constexpr int kReports = 6;
    const base::Stopwatch watch;
    if (t.rank() == t.size() - 1 && t.size() > 1) {
      for (int i = 0; i < kReports; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(250));
        t.post(std::span(&i, 1), 0, kData);
      }
      t.flush();
    } else if (t.rank() == 0 && t.size() > 1) {
      const PatienceScope brief(t, 1.2);
      for (int i = 0; i < kReports; ++i) EXPECT_EQ(t.receive_any<int>(kData).value, i);
      EXPECT_GT(watch.seconds(), 1.2);
    }
    t.barrier();
  });
}

TEST_P(FailureTest, ABarrierWithoutRankZeroEndsAtTheDeadline) {
  run([](Transport& t) {
    if (t.rank() == 0) return;
    t.set_patience(0.3);
    EXPECT_THAT(message_of([&] { t.barrier(); }), HasSubstr("for a barrier"));
  });
}

TEST_P(FailureTest, ACollectiveWithoutItsRootEndsAtTheDeadline) {
  run([](Transport& t) {
    if (t.rank() == 0) return;
    t.set_patience(0.3);
    const PhaseScope phase(t, "plan");
    std::string plan;
    EXPECT_THAT(message_of([&] { t.broadcast_string(plan, 0); }),
                AllOf(HasSubstr("for a broadcast with rank "), HasSubstr("'plan'")));
  });
}

TEST_P(FailureTest, RanksThatDoNotExistAreRefused) {
  for (const int bad : {-1, 5, 1 << 20}) {
    run([bad](Transport& t) {
      int value = 0;
      EXPECT_THAT(message_of([&] { t.broadcast(std::span(&value, 1), bad); }),
                  HasSubstr("names rank " + std::to_string(bad)));
    });
    run([bad](Transport& t) {
      int value = 0;
      EXPECT_THROW(t.send(std::span(&value, 1), bad, kData), base::CommError);
    });
  }
}

TEST_P(FailureTest, TagsOutOfRangeAreRefused) {
  for (const int bad : {-1, kTagLimit}) {
    run([bad](Transport& t) {
      int value = 0;
      EXPECT_THROW(t.post(std::span(&value, 1), 0, Tag{bad}), base::CommError);
    });
  }
}

TEST_P(FailureTest, AMessageOfAnotherLengthIsRefused) {
  for (const std::size_t expected : {std::size_t{1}, std::size_t{3}}) {
    run([expected](Transport& t) {
      const std::array<int, 2> sent{1, 2};
      t.post(std::span(sent), t.rank(), kData);
      std::vector<int> into(expected);
      EXPECT_THROW(t.receive(std::span(into), t.rank(), kData), base::CommError);
    });
  }
}

TEST_P(FailureTest, ShapesThatDisagreeAreRefused) {
  run([](Transport& t) {
    std::vector<int> all(static_cast<std::size_t>(t.size()) + 1);
    const int mine = 1;
    EXPECT_THROW(t.all_gather<int>(std::span(&mine, 1), std::span(all)), base::CommError);
  });
  run([](Transport& t) {
    const std::vector<std::size_t> counts(static_cast<std::size_t>(t.size()), 2);
    const int mine = 1;
    EXPECT_THROW(static_cast<void>(t.gather_varying(std::span(&mine, 1), counts, 0)), base::CommError);
  });
  run([](Transport& t) {
    const std::vector<std::size_t> counts(static_cast<std::size_t>(t.size()) + 1, 0);
    EXPECT_THROW(static_cast<void>(t.gather_varying(std::span<const int>(), counts, 0)), base::CommError);
  });
}

TEST_P(FailureTest, AMergeOfAnotherLengthThanAgreedIsRefused) {
  run([](Transport& t) {
    const Merging merging{[](int, int) { return std::size_t{8}; }, {}};
    EXPECT_THROW(static_cast<void>(t.merge_up(std::vector<std::byte>(7), merging)), base::CommError);
  });
}

TEST_P(FailureTest, AMergeWithoutARankEndsAtTheDeadline) {
  run([](Transport& t) {
    if (t.rank() != 0 || t.size() == 1) return;
    t.set_patience(0.3);
    const Merging merging{[](int first, int last) { return static_cast<std::size_t>(last - first); },
                          [](auto low, auto) { return std::vector<std::byte>(low.begin(), low.end()); }};
    EXPECT_THAT(message_of([&] { static_cast<void>(t.merge_up(std::vector<std::byte>(1), merging)); }),
                HasSubstr("for a merge with rank 1"));
  });
}

TEST_P(FailureTest, CountsThatOverflowAreRefused) {
  run([](Transport& t) {
    // The last rank claims more bytes than there are addresses; ranks with honest counts must refuse it as well.
    std::vector<std::size_t> counts(static_cast<std::size_t>(t.size()), 0);
    counts.back() = SIZE_MAX / 2;
    EXPECT_THROW(static_cast<void>(t.gather_varying(std::span<const int>(), counts, 0)), base::CommError);
  });
}

TEST_P(FailureTest, PatienceMustBePositive) {
  run([](Transport& t) {
    EXPECT_THROW(t.set_patience(0), base::ConfigError);
    EXPECT_THROW(PatienceScope(t, -1), base::ConfigError);
    const double before = t.patience();
    {
      const PatienceScope scope(t, 1.5);
      EXPECT_EQ(t.patience(), 1.5);
    }
    EXPECT_EQ(t.patience(), before);
    t.barrier();
  });
}

TEST_P(FailureTest, AgreeIsSilentWithoutErrors) {
  run([](Transport& t) {
    agree(t, nullptr);
    EXPECT_EQ(together(t, [&] { return t.rank() + 1; }), t.rank() + 1);
    together(t, [] {});
  });
}

TEST_P(FailureTest, OneRanksErrorBecomesEverybodys) {
  run([](Transport& t) {
    for (int failing = 0; failing < t.size(); ++failing) {
      try {
        together(t, [&] {
          if (t.rank() >= failing) throw base::FormatError("book.txt line " + std::to_string(t.rank()) + " is damaged");
        });
        ADD_FAILURE() << "rank " << t.rank() << " went on";
      } catch (const base::Error& error) {
        EXPECT_EQ(error.code(), base::ExitCode::kBadInput);
        const std::string text = "book.txt line " + std::to_string(failing) + " is damaged";
        const std::string who = t.size() > 1 ? "rank " + std::to_string(failing) + " on " + t.host() + ": " : "";
        EXPECT_EQ(error.what(), who + text);
      }
    }
    t.barrier();  // the transport is still good
  });
}

TEST_P(FailureTest, ForeignExceptionsAreAgreedOnAsInternal) {
  run([](Transport& t) {
    try {
      together(t, [&]() -> int {
        if (t.rank() == t.size() - 1) throw std::out_of_range("index 9");
        return 0;
      });
      ADD_FAILURE() << "rank " << t.rank() << " went on";
    } catch (const base::Error& error) {
      EXPECT_EQ(error.code(), base::ExitCode::kInternal);
      EXPECT_THAT(error.what(), HasSubstr("index 9"));
    }
  });
}

TEST_P(FailureTest, ACommErrorIsNotAgreedOn) {
  run([](Transport& t) {
    // All ranks lose a message here; agreeing over the broken transport would hide why.
    t.set_patience(0.2);
    const std::string text = message_of([&] { together(t, [&] { static_cast<void>(t.receive_any<int>(kData)); }); });
    EXPECT_THAT(text, HasSubstr("a message from any rank"));
  });
}

}  // namespace
}  // namespace larimar::comm
