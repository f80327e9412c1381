#include "common/comm/host_place.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/in_process.h"

namespace larimar::comm {
namespace {

using ::testing::ElementsAre;

TEST(HostPlace, RanksThatTakePartAreCountedOnEachHost) {
  const std::uint64_t a = host_number("a"), b = host_number("b");
  EXPECT_NE(a, b);
  EXPECT_THAT(places_on_hosts({a, a, b, b, a}, {1, 1, 1, 1, 1}), ElementsAre(0, 1, 0, 1, 2));
  EXPECT_THAT(places_on_hosts({a, b, a, b, a}, {0, 0, 1, 1, 1}), ElementsAre(-1, -1, 0, 0, 1));
  EXPECT_TRUE(places_on_hosts({}, {}).empty());
}

TEST(HostPlace, ThreadsAreRanksOfOneHost) {
  support::run_in_process(3, [](Transport& transport) {
    EXPECT_EQ(place_on_host(transport, true), transport.rank());
    EXPECT_EQ(place_on_host(transport, transport.rank() != 0), transport.rank() - 1);
  });
}

}  // namespace
}  // namespace larimar::comm
