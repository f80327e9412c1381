#include "eval/disturbance.h"

#include <gtest/gtest.h>

#include <cmath>

namespace larimar::eval {
namespace {

using linalg::Index;
using linalg::Matrix;

Matrix some_codes(Index rows, Index columns) {
  Matrix codes(rows, columns);
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < columns; ++column) {
      codes(row, column) = static_cast<float>(std::sin(0.37 * static_cast<double>(row * columns + column)) *
                                              static_cast<double>(row + 1));
    }
  }
  return codes;
}

TEST(Noise, HasThePowerThatTheDecibelsSay) {
  Matrix codes = some_codes(20, 2000);
  codes.row(7).setZero();
  for (const double decibels : {20.0, 10.0, 5.0, 0.0}) {
    Random random(3);
    const Matrix noise = add_noise(codes, decibels, random) - codes;
    for (Index row = 0; row < codes.rows(); ++row) {
      if (row == 7) {
        EXPECT_EQ(noise.row(row).squaredNorm(), 0.0F);
        continue;
      }
      const double ratio =
          static_cast<double>(codes.row(row).squaredNorm()) / static_cast<double>(noise.row(row).squaredNorm());
      EXPECT_NEAR(10.0 * std::log10(ratio), decibels, 0.7) << row;  // 2000 samples: 0.14 is one standard deviation
    }
    EXPECT_LT(std::abs(noise.mean()), 0.2) << "the noise has a bias";
  }
}

TEST(Noise, DependsOnTheSeedAlone) {
  const Matrix codes = some_codes(3, 40);
  Random one(5), same(5), other(6);
  const Matrix noisy = add_noise(codes, 10, one);
  EXPECT_EQ(noisy, add_noise(codes, 10, same));
  EXPECT_NE(noisy, add_noise(codes, 10, other));
}

TEST(Superposition, AddsAShareOfTheNextRow) {
  const Matrix codes = some_codes(3, 5);
  const Matrix result = superpose(codes, 0.5F);
  EXPECT_EQ(result.row(0), codes.row(0) + 0.5F * codes.row(1));
  EXPECT_EQ(result.row(2), codes.row(2) + 0.5F * codes.row(0));
  EXPECT_EQ(superpose(codes.topRows(1), 0.5F), codes.topRows(1));
  EXPECT_EQ(superpose(codes.topRows(0), 0.5F).rows(), 0);
}

TEST(Float16, KeepsElevenBits) {
  Matrix codes(1, 5);
  codes << 0.0F, 1.0F, 2049.0F, 1.0F / 3.0F, -0.1F;
  Matrix expected(1, 5);
  expected << 0.0F, 1.0F, 2048.0F, 0.333251953125F, -0.0999755859375F;
  EXPECT_EQ(round_to_float16(codes), expected);
}

TEST(Int8, IsOffByHalfAStepAtMost) {
  Matrix codes = some_codes(9, 300);
  codes.row(4).setZero();
  const Matrix rounded = round_to_int8(codes);
  for (Index row = 0; row < codes.rows(); ++row) {
    const float step = codes.row(row).cwiseAbs().maxCoeff() / 127.0F;
    EXPECT_LE((rounded.row(row) - codes.row(row)).cwiseAbs().maxCoeff(), 0.5001F * step);
    EXPECT_FLOAT_EQ(rounded.row(row).cwiseAbs().maxCoeff(), codes.row(row).cwiseAbs().maxCoeff());
    if (step > 0.0F) {
      EXPECT_GT((rounded.row(row) - codes.row(row)).cwiseAbs().maxCoeff(), 0.25F * step) << "not rounded";
    }
  }
}

}  // namespace
}  // namespace larimar::eval
