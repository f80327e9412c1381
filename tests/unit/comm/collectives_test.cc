// The collectives of decoder and learner ranks, the same on every way that bytes can take. Values are small whole numbers, so that
// a sum is exact in any order.
#include "tests/unit/comm/collectives.h"

#include <gtest/gtest.h>

#include <vector>

namespace larimar::test {
namespace {

std::vector<float> numbers(int rank, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(1000 * (rank + 1)) + static_cast<float>(i % 97);
  return values;
}

TEST(Collectives, CodesReachAllFromEachRoot) {
  on_every_group([](Collectives& c) {
    for (int root = 0; root < c.size(); ++root) {
      std::vector<float> codes = numbers(c.rank(), 768);
      c.broadcast(codes, root);
      EXPECT_EQ(codes, numbers(root, 768)) << "root " << root;
    }
  });
}

TEST(Collectives, TokensOfAllRanksStandInTheirOrder) {
  on_every_group([](Collectives& c) {
    std::vector<float> all(64 * static_cast<std::size_t>(c.size())), expected;
    c.all_gather(numbers(c.rank(), 64), all);
    for (int rank = 0; rank < c.size(); ++rank) {
      const std::vector<float> part = numbers(rank, 64);
      expected.insert(expected.end(), part.begin(), part.end());
    }
    EXPECT_EQ(all, expected);
  });
}

TEST(Collectives, GradientsAreAddedOverAllRanks) {
  on_every_group([](Collectives& c) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{100'000}}) {
      std::vector<float> gradient = numbers(c.rank(), count), expected(count);
      c.all_reduce(gradient);
      for (int rank = 0; rank < c.size(); ++rank) {
        const std::vector<float> part = numbers(rank, count);
        for (std::size_t i = 0; i < count; ++i) expected[i] += part[i];
      }
      EXPECT_EQ(gradient, expected);
    }
  });
}

TEST(Collectives, ManyOfThemOneAfterAnother) {
  on_every_group([](Collectives& c) {
    for (int turn = 0; turn < 50; ++turn) {
      std::vector<float> value{static_cast<float>(turn + c.rank())};
      c.broadcast(value, turn % c.size());
      EXPECT_EQ(value[0], static_cast<float>(turn + turn % c.size()));
    }
  });
}

}  // namespace
}  // namespace larimar::test
