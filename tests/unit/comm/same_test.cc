// What ranks must have in common: who has what is said in one sentence for each difference, the same on all ranks.
#include "common/comm/same.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "common/comm/agree.h"
#include "common/comm/start_deadline.h"
#include "tests/support/in_process.h"

namespace larimar::comm {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RankFacts facts(const std::string& host, const std::string& build, const std::string& model) {
  return {host, {{"the build", build, "install one"}, {"the model", model, "copy it"}}};
}

TEST(Differences, NoneWhereAllAgree) {
  const std::vector<RankFacts> ranks(5, facts("a", "1.0", "m"));
  EXPECT_THAT(differences(ranks), IsEmpty());
  EXPECT_THAT(differences(std::vector{facts("a", "1.0", "m")}), IsEmpty());
  EXPECT_THAT(differences({}), IsEmpty());
}

TEST(Differences, EachIsASentenceWithRanksHostsValuesAndAdvice) {
  const std::vector ranks{facts("a", "1.0", "m"), facts("a", "1.0", "m"), facts("b", "1.1", "m"),
                          facts("c", "1.0", "n")};
  EXPECT_THAT(
      differences(ranks),
      ElementsAre("the ranks differ in the build: ranks 0-1, 3 on a, c have 1.0, rank 2 on b has 1.1; install one",
                  "the ranks differ in the model: ranks 0-2 on a, b have m, rank 3 on c has n; copy it"));
}

TEST(Differences, AFactThatARankDoesNotNameCounts) {
  std::vector ranks{facts("a", "1.0", "m"), facts("b", "1.0", "m")};
  ranks[0].facts.pop_back();
  EXPECT_THAT(differences(ranks),
              ElementsAre("the ranks differ in the model: rank 0 on a has nothing, rank 1 on b has m; copy it"));
}

TEST(Differences, ManyHostsAreCountedNotListed) {
  std::vector<RankFacts> ranks;
  for (int r = 0; r < 9; ++r) ranks.push_back(facts("h" + std::to_string(r), r == 8 ? "2" : "1", "m"));
  EXPECT_THAT(differences(ranks).at(0), HasSubstr("ranks 0-7 on h0, h1, h2, h3 and 4 more have 1, rank 8 on h8 has 2"));
}

TEST(RankList, JoinsRuns) {
  EXPECT_EQ(rank_list({3}), "rank 3");
  EXPECT_EQ(rank_list({0, 1, 2, 5, 7, 8}), "ranks 0-2, 5, 7-8");
}

TEST(WrongGreeting, StrangersAndTurnedBytesAreNamed) {
  std::vector<Greeting> greetings(4);
  EXPECT_EQ(wrong_greeting(greetings), "");
  greetings[2].order = __builtin_bswap32(greetings[2].order);
  EXPECT_THAT(wrong_greeting(greetings), AllOf(HasSubstr("rank 2"), HasSubstr("order")));
  greetings[3].name[0] = 'x';
  EXPECT_THAT(wrong_greeting(greetings), AllOf(HasSubstr("rank 3"), HasSubstr("same larimar")));
}

TEST(RequireSame, AllRanksThrowTheSameOrNone) {
  for (const int ranks : {1, 2, 5}) {
    support::run_in_process(ranks, [](Transport& t) {
      require_same(t, {{"the model", "m", "copy it"}, {"empty", "", ""}});
      std::string text = "nothing was thrown";
      try {
        require_same(t, {{"the model", t.rank() == t.size() - 1 ? "n" : "m", "copy it"},
                         {"threads", std::to_string(t.rank()), "set them"}});
      } catch (const AgreedError& error) {
        EXPECT_EQ(error.code(), base::ExitCode::kConfig);
        text = error.what();
      }
      if (t.size() == 1) {
        EXPECT_EQ(text, "nothing was thrown");
      } else {
        EXPECT_THAT(text, AllOf(HasSubstr("rank " + std::to_string(t.size() - 1) + " on "),
                                HasSubstr("has n; copy it. Also, "), HasSubstr("the ranks differ in threads")));
      }
      t.barrier();  // the transport is still good
    });
  }
}

TEST(StartDeadline, EndsAProcessThatWaitsForEver) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      {
        const StartDeadline deadline(0.2);
        std::this_thread::sleep_for(std::chrono::seconds(60));
      },
      testing::ExitedWithCode(70), "did not find each other within 0.2 s");
}

TEST(StartDeadline, LetsGoOfOneThatGetsOn) {
  { const StartDeadline deadline(0.2); }
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
}

TEST(StartPatience, TakesSecondsOnly) {
  ::unsetenv("LARIMAR_START_TIMEOUT");
  EXPECT_EQ(start_patience(), kDefaultPatienceSeconds);
  ::setenv("LARIMAR_START_TIMEOUT", "2.5", 1);
  EXPECT_EQ(start_patience(), 2.5);
  for (const char* bad : {"", "0", "-1", "soon", "5s", "nan", "1e300"}) {
    ::setenv("LARIMAR_START_TIMEOUT", bad, 1);
    EXPECT_THROW(static_cast<void>(start_patience()), base::ConfigError) << bad;
  }
  ::unsetenv("LARIMAR_START_TIMEOUT");
}

}  // namespace
}  // namespace larimar::comm
