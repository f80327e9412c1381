// The file system check on ranks that are threads, with real files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <mutex>

#include "launch/doctor/ranks.h"
#include "tests/support/in_process.h"
#include "tests/support/temporary_folder.h"

namespace larimar::launch::doctor {
namespace {

using Findings = std::vector<Finding>;

/// The findings of each rank.
std::vector<Findings> tried(int ranks, const std::filesystem::path& folder) {
  std::vector<Findings> all(static_cast<std::size_t>(ranks));
  support::run_in_process(ranks,
                          [&](comm::Transport& t) { all[static_cast<std::size_t>(t.rank())] = try_folder(t, folder); });
  return all;
}

bool has(const Findings& findings, const std::string& check) {
  return std::ranges::find(findings, check, &Finding::check) != findings.end();
}

TEST(TryFolder, AGoodOneHasNothingBadAndIsLeftEmpty) {
  const support::TemporaryFolder folder;
  for (const int ranks : {1, 2, 4}) {
    const auto all = tried(ranks, folder.path());
    for (const Findings& mine : all) {
      for (const Finding& finding : mine)
        EXPECT_NE(finding.state, State::kBad) << finding.check << ": " << finding.found;
      EXPECT_EQ(has(mine, "seen by all"), ranks > 1);
      EXPECT_EQ(has(mine, "locks between ranks"), ranks > 1);
    }
    for (const char* check : {"folder", "fsync", "rename", "locks"}) EXPECT_TRUE(has(all[0], check)) << check;
    EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  }
}

TEST(TryFolder, OneThatIsNotThereOrNoFolderIsBadOnce) {
  const support::TemporaryFolder folder;
  for (const std::filesystem::path& path :
       {folder.path() / "absent", std::filesystem::path("/dev/null"), std::filesystem::path("/proc")}) {
    const auto all = tried(3, path);
    ASSERT_EQ(all[0].size(), 1U);
    EXPECT_EQ(all[0][0].state, State::kBad);
    EXPECT_FALSE(all[0][0].advice.empty());
    EXPECT_TRUE(all[1].empty());
  }
}

TEST(CompareClocks, OfOneMachineAgree) {
  for (const int ranks : {1, 2, 4}) {
    support::run_in_process(ranks, [](comm::Transport& t) {
      for (const Finding& finding : compare_clocks(t)) EXPECT_EQ(finding.state, State::kGood) << finding.found;
    });
  }
}

TEST(FirstRanks, AreTheLowestOfAHost) {
  support::run_in_process(3, [](comm::Transport& t) {
    EXPECT_EQ(first_ranks_of_hosts(t), (std::vector<int>{0, 0, 0}));
  });
}

}  // namespace
}  // namespace larimar::launch::doctor
