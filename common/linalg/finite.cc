#include "common/linalg/finite.h"

#include <cmath>
#include <string>

#include "common/base/error.h"

namespace larimar::linalg {

void check_finite(ConstMatrixRef matrix, std::string_view name) {
  for (Index row = 0; row < matrix.rows(); ++row) {
    for (Index column = 0; column < matrix.cols(); ++column) {
      const float value = matrix(row, column);
      if (std::isfinite(value)) continue;
      throw base::NumericalError(
          std::string(name) + " row " + std::to_string(row) + ", column " + std::to_string(column) + " is " +
          std::to_string(value) +
          ", and one such number would spoil every sum it enters; check the encoder or file it came from");
    }
  }
}

}  // namespace larimar::linalg
