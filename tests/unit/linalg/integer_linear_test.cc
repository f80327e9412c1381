// Linear layers in integers: near to the product in double, row by row, and the same bits on every instruction set.
#include "common/linalg/integer_linear.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "common/base/error.h"
#include "tests/unit/linalg/layers.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::random_matrix;

TEST(IntegerLinear, IsNearToTheProductInDouble) {
  for (const Index inputs : {2, 48, 384, 1536}) {
    for (const Index outputs : {1, 33, 48, 300}) {
      const Matrix weights = random_matrix(outputs, inputs, 1), bias = random_matrix(1, outputs, 2),
                   x = random_matrix(71, inputs, 3);
      const IntegerLinear layer(weights, all_of(bias));
      EXPECT_EQ(layer.inputs(), static_cast<std::size_t>(inputs));
      const Eigen::MatrixXd exact =
          (x.cast<double>() * weights.cast<double>().transpose()).rowwise() + bias.cast<double>().row(0);
      // A rounding error of half a level on either side, levels being the greatest number (about 3.5) over their number.
      const double level = 3.5 / integer_levels(static_cast<std::size_t>(inputs));
      const double worst = (applied(layer, x).cast<double>() - exact).cwiseAbs().maxCoeff();
      EXPECT_LT(worst, 3 * level * std::sqrt(static_cast<double>(inputs))) << inputs << " to " << outputs;
      EXPECT_GT(worst, 0.0);
    }
  }
}

TEST(IntegerLinear, ARowDependsOnItselfAlone) {
  const IntegerLinear layer(random_matrix(100, 64, 4), {});
  const Matrix x = random_matrix(130, 64, 5), together = applied(layer, x);
  for (Index row = 0; row < x.rows(); ++row) EXPECT_EQ(applied(layer, x.row(row)), together.row(row)) << row;
}

TEST(IntegerLinear, EveryInstructionSetGivesTheSameBits) {
  const Matrix weights = random_matrix(77, 130, 6), bias = random_matrix(1, 77, 7), x = random_matrix(9, 130, 8);
  const Matrix usual = applied(IntegerLinear(weights, all_of(bias)), x);
  int tried = 0;
  for (std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    const OnTarget target(left & -left);
    EXPECT_EQ(applied(IntegerLinear(weights, all_of(bias)), x), usual) << hwy::TargetName(left & -left);
    ++tried;
  }
  EXPECT_GE(tried, 2);
}

TEST(IntegerLinear, SumsReachTheLimitOfTheirTypeAndNotBeyond) {
  for (const Index inputs : {2, 384, 1536, 4096}) {
    const Matrix ones = Matrix::Ones(1, inputs);
    EXPECT_NEAR(applied(IntegerLinear(ones, {}), ones)(0, 0), static_cast<float>(inputs),
                1e-3F * static_cast<float>(inputs));
    EXPECT_NEAR(applied(IntegerLinear(ones, {}), -ones)(0, 0), -static_cast<float>(inputs),
                1e-3F * static_cast<float>(inputs));
    const double levels = integer_levels(static_cast<std::size_t>(inputs));
    EXPECT_LE(levels * levels * static_cast<double>(inputs), std::numeric_limits<std::int32_t>::max());
  }
}

TEST(IntegerLinear, ZerosStayAndWhatIsNotFiniteIsSeenInItsRowAlone) {
  const IntegerLinear layer(random_matrix(20, 32, 9), {});
  for (const float wrong :
       {std::nanf(""), std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    for (const Index place : {0, 13, 31}) {
      Matrix x = random_matrix(3, 32, 10);
      x.row(0).setZero();
      x(1, place) = wrong;
      const Matrix y = applied(layer, x);
      EXPECT_EQ(y.row(0), Matrix::Zero(1, 20).row(0));
      EXPECT_TRUE(y.row(1).array().isNaN().all()) << wrong << " at " << place;
      EXPECT_TRUE(y.row(2).allFinite());
    }
  }
  Matrix tiny = Matrix::Constant(1, 32, std::numeric_limits<float>::denorm_min());
  EXPECT_TRUE(applied(layer, tiny).allFinite());
}

TEST(IntegerLinear, ShapesAndWeightsOfNoUseAreRefused) {
  EXPECT_THROW(IntegerLinear(random_matrix(4, 3, 1), {}), base::ShapeError);
  EXPECT_THROW(IntegerLinear(Matrix(4, 0), {}), base::ShapeError);
  EXPECT_THROW(IntegerLinear(Matrix(0, 4), {}), base::ShapeError);
  EXPECT_THROW(IntegerLinear(random_matrix(4, 2, 1), std::vector<float>(3)), base::ShapeError);
  Matrix broken = random_matrix(4, 2, 1);
  broken(2, 1) = std::nanf("");
  EXPECT_THROW(IntegerLinear(broken, {}), base::NumericalError);
}

}  // namespace
}  // namespace larimar::linalg
