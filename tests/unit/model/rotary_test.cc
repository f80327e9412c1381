#include "common/model/rotary.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace larimar::model {
namespace {

double frequency(const RotaryConfig& config, std::int64_t index, bool is_long = false) {
  return static_cast<double>(rotary_frequencies(config, is_long)[index].item<float>());
}

TEST(RotaryFrequencies, FallByPowersOfTheta) {
  const RotaryConfig config{.theta = 100, .size = 8};
  for (std::int64_t i = 0; i < 4; ++i)
    EXPECT_NEAR(frequency(config, i), std::pow(100.0, -2.0 * static_cast<double>(i) / 8), 1e-7);
}

TEST(RotaryFrequencies, LinearScalingDividesAllOfThem) {
  const RotaryConfig config{.theta = 100, .size = 4, .scaling = RotaryScaling::kLinear, .factor = 2.5};
  EXPECT_NEAR(frequency(config, 0), 0.4, 1e-7);
  EXPECT_NEAR(frequency(config, 1), 0.04, 1e-8);
}

TEST(RotaryFrequencies, Llama3KeepsFastOnesDividesSlowOnesAndMixesBetween) {
  const RotaryConfig config{.theta = 1e6,
                            .size = 6,
                            .scaling = RotaryScaling::kLlama3,
                            .factor = 8,
                            .low_frequency = 1,
                            .high_frequency = 4,
                            .original_positions = 1000};
  EXPECT_NEAR(frequency(config, 0), 1, 1e-7) << "wavelength 6.3, below 1000 / 4";
  const double middle = 0.01, share = (1000 * middle / (2 * M_PI) - 1) / 3;
  EXPECT_NEAR(frequency(config, 1), (1 - share) * middle / 8 + share * middle, 1e-8) << "wavelength 628";
  EXPECT_NEAR(frequency(config, 2), 1e-4 / 8, 1e-10) << "wavelength 62,832, above 1000";
}

TEST(RotaryFrequencies, LongRopeHasFactorsForEachRegime) {
  const RotaryConfig config{.theta = 100,
                            .size = 4,
                            .scaling = RotaryScaling::kLongRope,
                            .original_positions = 16,
                            .short_factors = {1, 2},
                            .long_factors = {4, 5}};
  EXPECT_NEAR(frequency(config, 1), 0.1 / 2, 1e-8);
  EXPECT_NEAR(frequency(config, 0, true), 0.25, 1e-8);
  EXPECT_NEAR(frequency(config, 1, true), 0.1 / 5, 1e-8);
}

TEST(Turn, TurnsPairsByTheirAngleAndLeavesTheRest) {
  RotaryTables tables({.theta = 100, .size = 4}, at::TensorOptions().dtype(at::kFloat));
  const at::Tensor positions = at::tensor({0, 300}, at::kLong).view({1, 2});
  const at::Tensor x = at::arange(1, 11, at::kFloat).view({1, 2, 1, 5});  // fifth component: not turned
  const at::Tensor turned = turn(x, tables.angles(positions, 301, false)).view({2, 5});
  EXPECT_TRUE(turned[0].equal(x.view({2, 5})[0])) << "position 0";
  const double cosine = std::cos(30.0), sine = std::sin(30.0);  // position 300, frequency 1/10: components 7 and 9
  EXPECT_NEAR(turned[1][1].item<double>(), 7 * cosine - 9 * sine, 1e-4);
  EXPECT_NEAR(turned[1][3].item<double>(), 9 * cosine + 7 * sine, 1e-4);
  EXPECT_EQ(turned[1][4].item<double>(), 10);
}

}  // namespace
}  // namespace larimar::model
