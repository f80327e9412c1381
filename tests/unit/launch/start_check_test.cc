#include "launch/start_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cstdlib>

#include "launch/build.h"
#include "tests/support/in_process.h"

namespace larimar::launch {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Seat seat(std::uint64_t host, std::uint32_t cores, std::uint32_t threads, bool polite = false,
          std::uint32_t allowed = 0) {
  return {.host = host,
          .cores = cores,
          .allowed = allowed > 0 ? allowed : cores,
          .threads = threads,
          .is_polite = polite ? 1U : 0U};
}

TEST(CrowdedHosts, NothingToSayWhereCoresSuffice) {
  EXPECT_THAT(crowded_hosts({seat(1, 4, 2), seat(1, 4, 2), seat(2, 4, 4)}), IsEmpty());
}

TEST(CrowdedHosts, MoreThreadsThanCores) {
  const auto sentences = crowded_hosts({seat(2, 4, 1), seat(1, 2, 1), seat(1, 2, 2)});
  EXPECT_THAT(sentences, ElementsAre(AllOf(HasSubstr("host of rank 1"), HasSubstr("2 cores for 3 threads of 2 ranks"),
                                           HasSubstr("OMPI_MCA_mpi_yield_when_idle=1"))));
}

TEST(CrowdedHosts, RanksThatYieldMayBeMany) {
  EXPECT_THAT(crowded_hosts(std::vector<Seat>(5, seat(1, 2, 1, true))), IsEmpty());
}

TEST(CrowdedHosts, ABindingThatIsTooTight) {
  EXPECT_THAT(crowded_hosts({seat(1, 8, 4, true, 1)}), ElementsAre(HasSubstr("--bind-to none")));
}

TEST(CrowdedHosts, AreNotAllListed) {
  std::vector<Seat> seats;
  for (std::uint64_t host = 0; host < 100; ++host) seats.push_back(seat(host, 1, 2));
  EXPECT_EQ(crowded_hosts(seats).size(), 3U);
}

TEST(SeatOfThisRank, CountsTheCores) {
  const Seat here = seat_of_this_rank("a", 3);
  EXPECT_GE(here.cores, 1U);
  EXPECT_GE(here.allowed, 1U);
  EXPECT_EQ(here.threads, 3U);
  EXPECT_NE(here.host, seat_of_this_rank("b", 3).host);
}

TEST(FactsOf, HoldSettingsButNoFolders) {
  JobSetup one, other;
  other.model = "/elsewhere";
  other.keys_folder = "/elsewhere";
  const auto a = facts_of(one), b = facts_of(other);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].value, b[i].value) << a[i].what;
  other.reads = one.reads + 1;
  EXPECT_THAT(comm::differences(std::vector<comm::RankFacts>{{"h", a}, {"h", facts_of(other)}}),
              ElementsAre(HasSubstr("the setting reads")));
}

TEST(CheckStart, PassesWhereAllAreTheSameProgram) {
  ::unsetenv("SLURM_NTASKS");
  for (const int ranks : {1, 3}) support::run_in_process(ranks, [](comm::Transport& t) { check_start(t, "ask"); });
}

TEST(CheckStart, RefusesAnotherCommand) {
  support::run_in_process(
      3, [](comm::Transport& t) { EXPECT_THROW(check_start(t, t.rank() == 1 ? "ask" : "run"), base::Error); });
}

TEST(CheckDecoders, SomeRankMustStore) {
  for (const auto& [ranks, decoders] : {std::pair(1, 1), std::pair(2, 1), std::pair(4, 2), std::pair(6, 2)})
    EXPECT_NO_THROW(check_decoders(ranks, decoders)) << ranks;
  for (const auto& [ranks, decoders] :
       {std::pair(1, 2), std::pair(2, 2), std::pair(3, 2), std::pair(4, 3), std::pair(3, 9)})
    EXPECT_THROW(check_decoders(ranks, decoders), base::ConfigError) << ranks;
}

TEST(Build, IsOnePhrase) {
  EXPECT_THAT(build_text(), testing::MatchesRegex("[0-9.]+ \\(build [0-9a-f]{12}, [A-Za-z]+, [A-Za-z]+ [0-9.]+\\)"));
  EXPECT_THAT(libtorch_text(), testing::MatchesRegex("[0-9.]+.*, libtorch_cpu.so of [1-9][0-9]* bytes"));
  EXPECT_EQ(loaded_library("libnone.so"), "");
}

}  // namespace
}  // namespace larimar::launch
