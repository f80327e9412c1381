#include "shard/shortlist.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace larimar::shard {
namespace {

using testing::ElementsAre;

TEST(Shortlist, KeepsWhatMayStillBeAmongTheBestAndNothingElse) {
  Shortlist list(1);
  list.offer(0, 0.5F, 0.125F, {10});    // surely at least 0.375
  list.offer(1, 0.375F, 0.125F, {11});  // below that, but perhaps 0.5
  list.offer(2, 0.25F, 0.125F, {12});   // perhaps exactly 0.375: a tie counts
  list.offer(3, 0.25F, 0.0625F, {13});  // surely below
  EXPECT_EQ(list.threshold(), 0.375F);
  EXPECT_THAT(list.rows(), ElementsAre(0, 1, 2));
  list.offer(4, 1.0F, 0.25F, {14});  // all others are out now but the first
  EXPECT_THAT(list.rows(), ElementsAre(4));
  list.offer(5, 0.625F, 0.125F, {15});
  EXPECT_THAT(list.rows(), ElementsAre(4, 5));
}

TEST(Shortlist, SeveralRowsOfOneSegmentCountOnce) {
  Shortlist list(2);
  list.offer(0, 0.9F, 0.0F, {1});
  list.offer(1, 0.8F, 0.0F, {1});
  list.offer(2, 0.1F, 0.0F, {2});  // the second segment, however far behind the rows of the first
  EXPECT_THAT(list.rows(), ElementsAre(0, 1, 2));
  list.offer(3, 0.5F, 0.0F, {3});
  EXPECT_THAT(list.rows(), ElementsAre(0, 1, 3));
}

TEST(Shortlist, ALongRiseIsForgottenOnTheWay) {
  Shortlist list(3);
  for (std::uint32_t row = 0; row < 100'000; ++row) list.offer(row, static_cast<float>(row), 0.25F, {row});
  EXPECT_THAT(list.rows(), ElementsAre(99'997, 99'998, 99'999));
}

}  // namespace
}  // namespace larimar::shard
