#include "eval/disturbance.h"

#include <cmath>

namespace larimar::eval {
namespace {

using linalg::ConstMatrixRef;
using linalg::Index;
using linalg::Matrix;

}  // namespace

Matrix add_noise(ConstMatrixRef codes, double decibels, Random& random) {
  Matrix result = codes;
  for (Index row = 0; row < result.rows(); ++row) {
    const double power = codes.row(row).cast<double>().squaredNorm() / static_cast<double>(codes.cols());
    const double deviation = std::sqrt(power * std::pow(10.0, -decibels / 10.0));
    for (Index column = 0; column < result.cols(); ++column) {
      result(row, column) += static_cast<float>(deviation * random.normal());
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
