#include "common/model/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/base/error.h"

namespace larimar::model {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Probabilities 0.1, 0.4, 0.3, 0.2 at temperature 1.
const std::vector<float> kLogits{std::log(0.1F), std::log(0.4F), std::log(0.3F), std::log(0.2F)};

/// How often each token comes in so many draws.
std::vector<double> frequencies(const std::vector<float>& logits, const Sampling& sampling, std::size_t draws = 20000) {
  std::vector<double> counts(logits.size());
  for (std::size_t i = 0; i < draws; ++i)
    counts[static_cast<std::size_t>(choose_token(logits, sampling, i / 100, i % 100))] +=
        1.0 / static_cast<double>(draws);
  return counts;
}

/// Six standard deviations of a frequency in 20,000 draws are below 0.022.
void expect_near(const std::vector<double>& found, const std::vector<double>& wanted) {
  ASSERT_EQ(found.size(), wanted.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], wanted[i], 0.022) << "token " << i;
    if (wanted[i] == 0) {
      EXPECT_EQ(found[i], 0) << "token " << i << " must not be drawn";
    }
  }
}

TEST(ChooseToken, TemperatureZeroTakesTheMostLikelyAndOfEqualsTheFirst) {
  EXPECT_EQ(choose_token(kLogits, {}, 0, 0), 1);
  EXPECT_EQ(choose_token(std::vector<float>{1, 5, 5, 2}, {}, 3, 9), 1);
}

TEST(ChooseToken, DrawsByProbabilityTemperatureTopKAndTopP) {
  expect_near(frequencies(kLogits, {.temperature = 1, .seed = 1}), {0.1, 0.4, 0.3, 0.2});
  // Temperature 1/2 squares probabilities: 1, 16, 9, 4 of 30.
  expect_near(frequencies(kLogits, {.temperature = 0.5, .seed = 2}), {1 / 30.0, 16 / 30.0, 9 / 30.0, 4 / 30.0});
  expect_near(frequencies(kLogits, {.temperature = 1, .top_k = 2, .seed = 3}), {0, 4 / 7.0, 3 / 7.0, 0});
  expect_near(frequencies(kLogits, {.temperature = 1, .top_k = 9, .seed = 3}), {0.1, 0.4, 0.3, 0.2});
  // 0.4 and 0.3 sum to less than 0.75, so that the third comes in.
  expect_near(frequencies(kLogits, {.temperature = 1, .top_p = 0.75, .seed = 4}), {0, 4 / 9.0, 3 / 9.0, 2 / 9.0});
  expect_near(frequencies(kLogits, {.temperature = 1, .top_p = 0, .seed = 5}), {0, 1, 0, 0});
  // top_k first: of 4/7 and 3/7 the first alone reaches 0.5.
  expect_near(frequencies(kLogits, {.temperature = 1, .top_k = 2, .top_p = 0.5, .seed = 6}), {0, 1, 0, 0});
}

TEST(ChooseToken, DependsOnSeedRowAndPositionAlone) {
  const std::vector<float> flat(1000, 0.0F);
  const auto draw = [&](std::uint64_t seed, std::size_t row, std::size_t position) {
    return choose_token(flat, {.temperature = 1, .seed = seed}, row, position);
  };
  EXPECT_EQ(draw(1, 2, 3), draw(1, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(2, 2, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 3, 3));
  EXPECT_NE(draw(1, 2, 3), draw(1, 2, 4));
  EXPECT_NE(draw(1, 2, 3), draw(1, 3, 2));
}

TEST(ChooseToken, TokensOfProbabilityZeroAreNeverDrawn) {
  std::vector<float> logits(50, -std::numeric_limits<float>::infinity());
  logits[17] = 0;
  for (std::size_t i = 0; i < 200; ++i) EXPECT_EQ(choose_token(logits, {.temperature = 2, .seed = i}, 0, 0), 17);
}

TEST(ChooseToken, LogitsThatAreNotFiniteAreRefused) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  for (const std::vector<float>& logits : {std::vector<float>{1, nan, 2}, std::vector<float>{nan, 1},
                                           std::vector<float>{0, inf}, std::vector<float>{-inf, -inf}})
    EXPECT_THAT([&] { static_cast<void>(choose_token(logits, {}, 0, 0)); },
                ThrowsMessage<base::NumericalError>(HasSubstr("not finite")));
}

TEST(CheckSampling, SettingsOutOfRangeAreNamed) {
  EXPECT_NO_THROW(check_sampling({.temperature = 0.7, .top_k = 40, .top_p = 0.9}));
  EXPECT_THAT([] { check_sampling({.temperature = -0.1}); },
              ThrowsMessage<base::ConfigError>(HasSubstr("temperature")));
  EXPECT_THAT([] { check_sampling({.temperature = std::nan("")}); },
              ThrowsMessage<base::ConfigError>(HasSubstr("temperature")));
  EXPECT_THAT([] { check_sampling({.top_p = 1.5}); }, ThrowsMessage<base::ConfigError>(HasSubstr("top-p")));
}

}  // namespace
}  // namespace larimar::model
