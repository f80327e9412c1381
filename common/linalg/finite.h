#pragma once
#include <string_view>

#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// Refuses NaN and infinity before they reach a sum. `name` is what the user calls the matrix ("codes", "keys").
/// Calls   local.
/// Throws  NumericalError naming the first bad row and column.
/// Cost    one pass.
void check_finite(ConstMatrixRef matrix, std::string_view name);

}  // namespace larimar::linalg
