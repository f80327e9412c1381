#include "eval/report/mean.h"

#include <gmock/gmock.h>

namespace larimar::eval::report {
namespace {

TEST(Mean, HasWilsonsInterval) {
  Mean mean;
  for (int i = 0; i < 10; ++i) mean.add(i < 9 ? 1 : 0);
  EXPECT_DOUBLE_EQ(mean.value(), 0.9);
  EXPECT_NEAR(mean.low(), 0.5958, 5e-5);
  EXPECT_NEAR(mean.high(), 0.9821, 5e-5);
}

TEST(Mean, EndsStayInsideAndNothingIsKnownOfNothing) {
  const Mean all{20, 20}, none{20, 0}, nothing;
  EXPECT_EQ(all.high(), 1);
  EXPECT_NEAR(all.low(), 0.8389, 5e-5);
  EXPECT_EQ(none.low(), 0);
  EXPECT_NEAR(none.high(), 0.1611, 5e-5);
  EXPECT_EQ(nothing.low(), 0);
  EXPECT_EQ(nothing.high(), 1);
  EXPECT_EQ(nothing.value(), 0);
}

TEST(Mean, FractionsAddUp) {
  Mean one, other;
  one.add(0.25);
  one.add(1);
  other.add(0.5);
  one.add(other);
  EXPECT_EQ(one.n, 3U);
  EXPECT_NEAR(one.value(), 1.75 / 3, 1e-15);
  EXPECT_LT(one.low(), one.value());
  EXPECT_GT(one.high(), one.value());
}

TEST(ShareText, OnlyAWholeOneIsOne) {
  EXPECT_EQ(share_text(1), "1.00");
  EXPECT_EQ(share_text(0.999), "0.99");
  EXPECT_EQ(share_text(0.954), "0.95");
  EXPECT_EQ(share_text(0.001), "0.01");
  EXPECT_EQ(share_text(0), "0.00");
}

TEST(TokensText, HasThreeDigits) {
  EXPECT_EQ(tokens_text(512), "512");
  EXPECT_EQ(tokens_text(1000), "1K");
  EXPECT_EQ(tokens_text(8192), "8.19K");
  EXPECT_EQ(tokens_text(137000), "137K");
  EXPECT_EQ(tokens_text(999499), "999K");
  EXPECT_EQ(tokens_text(999500), "1M");
  EXPECT_EQ(tokens_text(10e6), "10M");
}

}  // namespace
}  // namespace larimar::eval::report
