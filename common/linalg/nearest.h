#pragma once
#include <cstdint>
#include <vector>

#include "common/linalg/matrix.h"

namespace larimar::linalg {

/// For each point the row nearest to it in the Euclidean sense; equal distances go to the lowest row.
///   argmin |x - m|^2 = argmax <x, m> - |m|^2 / 2, in float, each dot product in the order of fixed_dot.h, so the answer
///   for a point does not depend on which other points are asked with it. For rows of unit length this is the cosine.
/// Shapes  points [points, width]   rows [rows, width]   returns [points], each < rows.
/// Calls   local. Thread-safe.
/// Throws  ShapeError if the widths differ or there is no row.
/// Cost    2 points rows width flops; scratch of 256 x rows floats.
[[nodiscard]] std::vector<std::uint32_t> nearest_rows(ConstMatrixRef points, ConstMatrixRef rows);

}  // namespace larimar::linalg
