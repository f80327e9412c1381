#include "common/linalg/nearest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "common/base/error.h"

namespace larimar::linalg {
namespace {

TEST(NearestRows, AgreesWithPlainDistancesInDouble) {
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal;
  const Matrix points = Matrix::NullaryExpr(600, 33, [&] { return normal(random); });  // more than one block of points
  const Matrix rows = Matrix::NullaryExpr(41, 33, [&] { return 1.5F * normal(random); });
  const std::vector<std::uint32_t> nearest = nearest_rows(points, rows);
  ASSERT_EQ(nearest.size(), 600U);
  for (Index p = 0; p < points.rows(); ++p) {
    const MatrixF64 difference = rows.cast<double>().rowwise() - points.row(p).cast<double>();
    Index expected = 0;
    difference.rowwise().squaredNorm().minCoeff(&expected);
    EXPECT_EQ(nearest[static_cast<std::size_t>(p)], static_cast<std::uint32_t>(expected)) << "point " << p;
  }
}

TEST(NearestRows, EqualDistancesGoToTheLowestRow) {
  const Matrix rows{{1.0F, 0.0F}, {0.0F, 1.0F}, {1.0F, 0.0F}, {0.0F, 1.0F}};
  const Matrix points{{0.0F, 1.0F}, {1.0F, 0.0F}, {0.5F, 0.5F}};
  EXPECT_THAT(nearest_rows(points, rows), testing::ElementsAre(1U, 0U, 0U));
}

TEST(NearestRows, LengthCountsSoTheGreatestDotProductNeedNotWin) {
  const Matrix rows{{10.0F, 0.0F}, {1.0F, 0.0F}};
  EXPECT_THAT(nearest_rows(Matrix{{1.2F, 0.0F}}, rows), testing::ElementsAre(1U));
}

TEST(NearestRows, RefusesNoRowsAndOtherWidths) {
  EXPECT_THROW((void)nearest_rows(Matrix::Zero(1, 3), Matrix(0, 3)), base::ShapeError);
  EXPECT_THROW((void)nearest_rows(Matrix::Zero(1, 3), Matrix::Zero(2, 4)), base::ShapeError);
  EXPECT_TRUE(nearest_rows(Matrix(0, 3), Matrix::Zero(2, 3)).empty());
}

}  // namespace
}  // namespace larimar::linalg
