// Collectives along a tree: any number of ranks, some of which have nothing to say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/base/error.h"
#include "common/comm/binomial.h"
#include "tests/unit/comm/ranks.h"

namespace larimar::test {
namespace {

using comm::Merging;
using comm::Transport;

bool says_nothing(int rank) { return rank % 3 == 1; }

std::vector<std::byte> own_number(int rank) {
  if (says_nothing(rank)) return {};
  const auto bytes = std::as_bytes(std::span(&rank, 1));
  return {bytes.begin(), bytes.end()};
}

/// A run's message is its numbers one after another.
const Merging kAppendNumbers{[](int first, int last) {
                               std::size_t bytes = 0;
                               for (int r = first; r < last; ++r) bytes += says_nothing(r) ? 0 : sizeof(int);
                               return bytes;
                             },
                             [](std::span<const std::byte> low, std::span<const std::byte> high) {
                               EXPECT_FALSE(low.empty() || high.empty());
                               std::vector<std::byte> both(low.begin(), low.end());
                               both.insert(both.end(), high.begin(), high.end());
                               return both;
                             }};

class TreeTest : public testing::TestWithParam<int> {
 protected:
  static void run(const std::function<void(Transport&)>& program) { on_ranks({.ranks = GetParam()}, program); }
};

TEST_P(TreeTest, MergeUpJoinsNeighboursInRankOrder) {
  run([](Transport& t) {
    for (int round = 0; round < 3; ++round) {
      const std::vector<std::byte> all = t.merge_up(own_number(t.rank()), kAppendNumbers);
      if (t.rank() != 0) {
        EXPECT_TRUE(all.empty());
        continue;
      }
      std::vector<int> found(all.size() / sizeof(int)), expected;
      std::memcpy(found.data(), all.data(), all.size());
      for (int r = 0; r < t.size(); ++r)
        if (!says_nothing(r)) expected.push_back(r);
      EXPECT_EQ(found, expected);
    }
  });
}

TEST_P(TreeTest, AllGatherHasEverybodysElementsInRankOrder) {
  run([](Transport& t) {
    const std::array<int, 3> mine{t.rank(), 10 * t.rank(), 7};
    std::vector<int> all(3 * static_cast<std::size_t>(t.size()));
    t.all_gather(std::span(mine), std::span(all));
    for (int r = 0; r < t.size(); ++r) {
      EXPECT_THAT(std::vector(all.begin() + 3 * r, all.begin() + 3 * r + 3), testing::ElementsAre(r, 10 * r, 7));
    }
  });
}

TEST_P(TreeTest, AGatherOfFewIsThatOfAll) {
  run([](Transport& t) {
    for (const int sender : {0, t.size() / 2, t.size() - 1}) {
      std::vector<std::size_t> counts(static_cast<std::size_t>(t.size()));
      counts[static_cast<std::size_t>(sender)] = 2;
      const std::vector<int> mine(t.rank() == sender ? 2 : 0, sender + 100);
      const auto all = t.gather_varying(std::span(mine), counts, 0);
      EXPECT_EQ(all, t.rank() == 0 ? std::vector<int>(2, sender + 100) : std::vector<int>{});
    }
  });
}

TEST_P(TreeTest, ARankThatBringsAnotherNumberOfBytesSaysSo) {
  run([](Transport& t) {
    const Merging eight{[](int, int) { return std::size_t{8}; }, kAppendNumbers.combine};
    try {
      static_cast<void>(t.merge_up(std::vector<std::byte>(3), eight));
      ADD_FAILURE() << "three bytes were taken for eight";
    } catch (const base::CommError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("merge_up was to bring 8 bytes from here, but has 3"));
    }
    EXPECT_THROW(static_cast<void>(t.merge_up(std::vector<std::byte>(8), eight)), base::CommError)
        << "it is broken now";
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, TreeTest, testing::ValuesIn(rank_counts()));

TEST(Binomial, EveryRankHasOneParentAndRunsAreUnbroken) {
  for (int size = 1; size <= 70; ++size) {
    std::vector<int> parents(static_cast<std::size_t>(size));
    for (int rank = 0; rank < size; ++rank) {
      const comm::Binomial place(rank, size);
      int next = rank + 1, levels = 0;
      place.for_children([&](int child) {
        EXPECT_EQ(child, next) << "the children's runs follow each other";
        EXPECT_EQ(comm::Binomial(child, size).parent(), rank);
        ++parents[static_cast<std::size_t>(child)];
        next = comm::Binomial(child, size).end();
      });
      EXPECT_EQ(next, place.end());
      for (int at = rank; at != 0; at = comm::Binomial(at, size).parent()) ++levels;
      EXPECT_LE(1 << levels, 2 * size);
    }
    EXPECT_EQ(parents.front(), 0);
    EXPECT_TRUE(std::all_of(parents.begin() + 1, parents.end(), [](int count) { return count == 1; }));
  }
}

}  // namespace
}  // namespace larimar::test
