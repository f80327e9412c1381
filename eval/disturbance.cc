#include "eval/disturbance.h"

#include <cmath>
#include <numbers>

namespace larimar::eval {
namespace {

using linalg::ConstMatrixRef;
using linalg::Index;
using linalg::Matrix;

// Uniform in (0, 1]: its logarithm is finite.
double open_uniform(Random& random) { return (static_cast<double>(random.next() >> 11) + 1.0) * 0x1.0p-53; }

// Standard normal. Source: Box and Muller, "A note on the generation of random normal deviates" (1958).
double normal(Random& random) {
  const double radius = std::sqrt(-2.0 * std::log(open_uniform(random)));
  return radius * std::cos(2.0 * std::numbers::pi * open_uniform(random));
}

}  // namespace

Matrix add_noise(ConstMatrixRef codes, double decibels, Random& random) {
  Matrix result = codes;
  for (Index row = 0; row < result.rows(); ++row) {
    const double power = codes.row(row).cast<double>().squaredNorm() / static_cast<double>(codes.cols());
    const double deviation = std::sqrt(power * std::pow(10.0, -decibels / 10.0));
    for (Index column = 0; column < result.cols(); ++column) {
      result(row, column) += static_cast<float>(deviation * normal(random));
    }
  }
  return result;
}

Matrix superpose(ConstMatrixRef codes, float share) {
  Matrix result = codes;
  const Index rows = codes.rows();
  for (Index row = 0; rows > 1 && row < rows; ++row) result.row(row) += share * codes.row((row + 1) % rows);
  return result;
}

Matrix round_to_float16(ConstMatrixRef codes) {
  return codes.unaryExpr([](float value) { return static_cast<float>(Eigen::half(value)); });
}

Matrix round_to_int8(ConstMatrixRef codes) {
  Matrix result = codes;
  for (Index row = 0; row < result.rows(); ++row) {
    const float scale = codes.row(row).cwiseAbs().maxCoeff() / 127.0F;
    if (scale == 0.0F) continue;
    result.row(row) = (codes.row(row) / scale).array().round().matrix() * scale;
  }
  return result;
}

}  // namespace larimar::eval
