#include "common/linalg/finite.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <string>

#include "common/base/error.h"

namespace larimar::linalg {

namespace {

/// Without a branch for each number, so that the compiler makes it a vector loop.
bool is_row_finite(const float* values, Index count) {
  std::uint32_t bad = 0;
  for (Index i = 0; i < count; ++i) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(values[i]);
    bad |= static_cast<std::uint32_t>((bits & 0x7F800000U) == 0x7F800000U);
  }
  return bad == 0;
}

}  // namespace

void check_finite(ConstMatrixRef matrix, std::string_view name) {
  for (Index row = 0; row < matrix.rows(); ++row) {
    if (is_row_finite(matrix.row(row).data(), matrix.cols())) continue;
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
