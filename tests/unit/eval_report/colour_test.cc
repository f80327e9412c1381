#include "eval/report/colour.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/unit/eval_report/support.h"

namespace larimar::eval::report {
namespace {

double lightness(Colour colour) {
  const double y = luminance(colour);
  return y > 0.008856 ? 116 * std::cbrt(y) - 16 : 903.3 * y;
}

TEST(Colour, TheUsualScaleIsEvenInLightness) {
  for (int i = 0; i < 100; ++i) {
    const double step =
        lightness(colour_at(Scale::kViridis, (i + 1) / 100.0)) - lightness(colour_at(Scale::kViridis, i / 100.0));
    EXPECT_GT(step, 0.2) << "at " << i << " %";
    EXPECT_LT(step, 1.3) << "at " << i << " %: 100 even steps from 17 to 90 are 0.73 each, before rounding to bytes";
  }
  EXPECT_NEAR(lightness(colour_at(Scale::kViridis, 0.5)), (17 + 90) / 2.0, 1.0);
}

TEST(Colour, TextReadsOnEveryCell) {
  for (const Scale scale : {Scale::kViridis, Scale::kRedYellowGreen}) {
    for (int i = 0; i <= 1000; ++i) {
      const Colour ground = colour_at(scale, i / 1000.0);
      EXPECT_GE(contrast(ground, text_on(ground)), 4.5) << hex(ground);
    }
  }
}

TEST(Colour, ContrastIsThatOfTheGuidelines) {
  EXPECT_NEAR(contrast({0, 0, 0}, {255, 255, 255}), 21.0, 1e-12);
  EXPECT_NEAR(contrast({0x77, 0x77, 0x77}, {255, 255, 255}), 4.48, 0.005);
  EXPECT_NEAR(contrast({255, 255, 255}, {255, 0, 0}), 4.0, 0.005);
}

TEST(Colour, EndsAndBeyond) {
  EXPECT_EQ(hex(colour_at(Scale::kViridis, 0)), "#351864");
  EXPECT_EQ(hex(colour_at(Scale::kViridis, 1)), "#f4e55d");
  EXPECT_EQ(colour_at(Scale::kViridis, -3), colour_at(Scale::kViridis, 0));
  EXPECT_EQ(colour_at(Scale::kRedYellowGreen, 7), colour_at(Scale::kRedYellowGreen, 1));
  const Colour low = colour_at(Scale::kRedYellowGreen, 0), high = colour_at(Scale::kRedYellowGreen, 1);
  EXPECT_GT(low.red, low.green);
  EXPECT_GT(high.green, high.red);
}

TEST(Colour, AnUnknownScaleIsRefused) {
  EXPECT_EQ(parse_scale("viridis"), Scale::kViridis);
  EXPECT_EQ(parse_scale("red-yellow-green"), Scale::kRedYellowGreen);
  EXPECT_THAT(test::error_of<base::UsageError>([] { (void)parse_scale("rainbow"); }),
              testing::AllOf(testing::HasSubstr("rainbow"), testing::HasSubstr("viridis")));
}

}  // namespace
}  // namespace larimar::eval::report
