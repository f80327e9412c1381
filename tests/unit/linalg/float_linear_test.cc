// Linear layers in floats: near to the product in double, row by row, on every instruction set.
#include "common/linalg/float_linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/base/error.h"
#include "tests/unit/linalg/layers.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

using reference::random_matrix;

TEST(FloatLinear, IsNearToTheProductInDouble) {
  for (const Index inputs : {1, 3, 48, 384, 1536}) {
    for (const Index outputs : {1, 31, 48, 300}) {
      const Matrix weights = random_matrix(outputs, inputs, 1), bias = random_matrix(1, outputs, 2),
                   x = random_matrix(71, inputs, 3);
      const FloatLinear layer(weights, all_of(bias));
      EXPECT_EQ(layer.inputs(), static_cast<std::size_t>(inputs));
      EXPECT_EQ(layer.outputs(), static_cast<std::size_t>(outputs));
      const Eigen::MatrixXd exact =
          (x.cast<double>() * weights.cast<double>().transpose()).rowwise() + bias.cast<double>().row(0);
      const double worst = (applied(layer, x).cast<double>() - exact).cwiseAbs().maxCoeff();
      EXPECT_LT(worst, 2e-6 * std::sqrt(static_cast<double>(inputs)) * 8) << inputs << " to " << outputs;
      const Matrix without = applied(FloatLinear(weights, {}), x);
      EXPECT_LT((without.cast<double>().rowwise() + bias.cast<double>().row(0) - exact).cwiseAbs().maxCoeff(), 1e-3);
    }
  }
}

TEST(FloatLinear, ARowDependsOnItselfAlone) {
  const FloatLinear layer(random_matrix(100, 65, 4), {});
  const Matrix x = random_matrix(130, 65, 5), together = applied(layer, x);
  for (Index row = 0; row < x.rows(); ++row) EXPECT_EQ(applied(layer, x.row(row)), together.row(row)) << row;
}

TEST(FloatLinear, BlocksOfOutputsMakeTheWhole) {
  const FloatLinear layer(random_matrix(3000, 130, 6), {});
  ASSERT_GT(layer.blocks(), 3U);
  const Matrix x = random_matrix(3, 130, 7), whole = applied(layer, x);
  Matrix parts = Matrix::Constant(3, static_cast<Index>(layer.stride()), -1.0F);
  layer.apply(all_of(x), all_of(parts), 1, layer.blocks());
  EXPECT_EQ(parts(0, 0), -1.0F) << "not of the blocks that were asked for";
  layer.apply(all_of(x), all_of(parts), 0, 1);
  EXPECT_EQ(parts.leftCols(3000), whole);
}

TEST(FloatLinear, WeightsComeBackAsTheyWere) {
  const Matrix weights = random_matrix(301, 50, 8);
  const FloatLinear layer(weights, {});
  Matrix row(1, 50);
  for (const Index output : {0, 1, 31, 32, 100, 300}) {
    layer.copy_weights(static_cast<std::size_t>(output), all_of(row));
    EXPECT_EQ(row.row(0), weights.row(output)) << output;
  }
}

TEST(FloatLinear, EveryInstructionSetIsAsNear) {
  const Matrix weights = random_matrix(77, 130, 9), bias = random_matrix(1, 77, 10), x = random_matrix(9, 130, 11);
  const Matrix usual = applied(FloatLinear(weights, all_of(bias)), x);
  int tried = 0;
  for (std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    const OnTarget target(left & -left);
    EXPECT_LT((applied(FloatLinear(weights, all_of(bias)), x) - usual).cwiseAbs().maxCoeff(), 1e-4F)
        << hwy::TargetName(left & -left);
    ++tried;
  }
  EXPECT_GE(tried, 2);
}

TEST(FloatLinear, ShapesOfNoUseAreRefused) {
  EXPECT_THROW(FloatLinear(Matrix(4, 0), {}), base::ShapeError);
  EXPECT_THROW(FloatLinear(Matrix(0, 4), {}), base::ShapeError);
  EXPECT_THROW(FloatLinear(random_matrix(4, 2, 1), std::vector<float>(3)), base::ShapeError);
  const Matrix wide = random_matrix(4, 6, 1);
  EXPECT_THROW(FloatLinear(wide.leftCols(3), {}), base::ShapeError) << "rows that are not one after another";
}

}  // namespace
}  // namespace larimar::linalg
