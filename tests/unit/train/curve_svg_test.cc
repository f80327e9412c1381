#include "train/curve_svg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/train/support.h"

namespace larimar::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string train_line(int step, const std::string& loss, double accuracy) {
  return R"({"kind":"train","step":)" + std::to_string(step) + R"(,"loss":)" + loss + R"(,"token_accuracy":)" +
         std::to_string(accuracy) + R"(,"segments_exact":0.5})" + "\n";
}

std::string valid_line(int step, double accuracy) {
  return R"({"kind":"valid","step":)" + std::to_string(step) + R"(,"token_accuracy":)" + std::to_string(accuracy) +
         R"(,"segments_exact":0.25})" + "\n";
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

class CurveSvg : public ::testing::Test {
 protected:
  std::string draw(const std::string& metrics) const { return draw_curves(folder_.write("metrics.jsonl", metrics)); }
  test::TemporaryFolder folder_;
};

TEST_F(CurveSvg, HasALineForEachCurveAndADotForEachValidation) {
  const std::string svg = draw(train_line(50, "4.0", 0.1) + train_line(100, "2.0", 0.4) + valid_line(100, 0.5) +
                               train_line(150, "1.0", 0.7) + valid_line(150, 0.75));
  EXPECT_TRUE(svg.starts_with("<svg xmlns") && svg.ends_with("</svg>\n"));
  EXPECT_EQ(count(svg, "<polyline"), 5U);  // the validation has no loss
  EXPECT_EQ(count(svg, "<circle"), 4U);
  EXPECT_THAT(svg, AllOf(HasSubstr("training 1.0000<"), HasSubstr("training 0.7000, validation 0.7500"),
                         HasSubstr("training 0.5000, validation 0.2500")));
  EXPECT_EQ(draw(train_line(50, "4.0", 0.1)), draw(train_line(50, "4.0", 0.1)));
}

TEST_F(CurveSvg, PointsLieWhereTheirValuesAre) {
  // 64 and 740 are the ends of the axis of steps; an accuracy of 0 lies 144 below one of 1.
  const std::string svg = draw(valid_line(0, 0.0) + valid_line(100, 0.5) + valid_line(200, 1.0));
  EXPECT_THAT(svg, HasSubstr("points=\"64.0,418.0 402.0,346.0 740.0,274.0\""));
}

TEST_F(CurveSvg, ARepeatedStepCountsAsWrittenLast) {
  const std::string svg = draw(train_line(50, "4.0", 0.1) + train_line(100, "9.0", 0.9) + train_line(50, "3.0", 0.2) +
                               train_line(100, "2.0", 0.3));
  EXPECT_THAT(svg, AllOf(HasSubstr("training 2.0000"), HasSubstr("training 0.3000"), Not(HasSubstr("9.0000"))));
}

TEST_F(CurveSvg, CutLinesAndValuesThatAreNotFiniteAreLeftOut) {
  const std::string svg =
      draw(train_line(50, "4.0", 0.1) + "{\"kind\":\"tra" + train_line(100, "2.0", 0.4) + train_line(150, "null", 0.4) +
           train_line(200, "0", 0.5) + "[1]\n\n" + "{\"kind\":\"train\",\"step\":\"x\",\"loss\":7}\n{\"kind\":\"tr");
  EXPECT_THAT(svg, AllOf(HasSubstr("training 4.0000"), HasSubstr("training 0.5000"), Not(HasSubstr("nan")),
                         Not(HasSubstr("inf"))));
}

TEST_F(CurveSvg, AnEmptyFileGivesEmptyPanelsAndALongOneFewPoints) {
  EXPECT_EQ(count(draw(""), "no values yet"), 3U);
  std::string lines;
  for (int i = 1; i <= 20000; ++i) lines += train_line(i * 50, "1.5", 0.5);
  EXPECT_LT(draw(lines).size(), 60000U);
  EXPECT_THROW((void)draw_curves(folder_.path() / "absent.jsonl"), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::train
