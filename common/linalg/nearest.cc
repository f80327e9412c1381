#include "common/linalg/nearest.h"

#include <algorithm>
#include <string>

#include "common/base/error.h"
#include "common/linalg/fixed_dot.h"

namespace larimar::linalg {
namespace {

constexpr Index kPointBlock = 256;

std::span<const float> values_of(const Matrix& matrix) {
  return {matrix.data(), static_cast<std::size_t>(matrix.size())};
}

std::vector<float> half_square_norms(const Matrix& rows) {
  std::vector<float> half(static_cast<std::size_t>(rows.rows()));
  const std::size_t width = static_cast<std::size_t>(rows.cols());
  for (std::size_t r = 0; r < half.size(); ++r) {
    const std::span<const float> row = values_of(rows).subspan(r * width, width);
    dot_scores({.rows = row, .queries = row, .width = width, .scores = {&half[r], 1}});
    half[r] *= 0.5F;
  }
  return half;
}

}  // namespace

std::vector<std::uint32_t> nearest_rows(ConstMatrixRef points, ConstMatrixRef rows) {
  if (rows.rows() == 0 || rows.cols() == 0)
    throw base::ShapeError("a codebook without rows has no nearest row; it needs K >= 1");
  if (points.cols() != rows.cols()) {
    throw base::ShapeError("keys have " + std::to_string(points.cols()) + " components but the codebook's rows have " +
                           std::to_string(rows.cols()) + "; both must come from the same key encoder");
  }
  const Matrix packed = rows;
  const std::vector<float> half = half_square_norms(packed);
  const std::size_t width = static_cast<std::size_t>(rows.cols());
  std::vector<std::uint32_t> nearest;
  nearest.reserve(static_cast<std::size_t>(points.rows()));
  std::vector<float> scores;
  for (Index first = 0; first < points.rows(); first += kPointBlock) {
    const Matrix block = points.middleRows(first, std::min(kPointBlock, points.rows() - first));
    const std::size_t count = static_cast<std::size_t>(block.rows());
    scores.resize(count * half.size());
    // Rows and queries swap roles: the result is then [points of the block, rows].
    dot_scores({.rows = values_of(packed), .queries = values_of(block), .width = width, .scores = scores});
    for (std::size_t p = 0; p < count; ++p) {
      const std::span<float> row_scores = std::span(scores).subspan(p * half.size(), half.size());
      for (std::size_t r = 0; r < half.size(); ++r) row_scores[r] -= half[r];
      nearest.push_back(static_cast<std::uint32_t>(std::ranges::max_element(row_scores) - row_scores.begin()));
    }
  }
  return nearest;
}

}  // namespace larimar::linalg
