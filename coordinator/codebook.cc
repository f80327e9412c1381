#include "coordinator/codebook.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/linalg/finite.h"
#include "common/linalg/fixed_dot.h"
#include "common/linalg/nearest.h"

namespace larimar::coordinator {
namespace {

using linalg::Index;
using linalg::Matrix;

/// Uniform in [0, 1), the same on every standard library (std::uniform_real_distribution is not).
double uniform(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

/// Sum in a fixed order: Eigen's reductions depend on the instruction set.
double squared_norm(const Matrix& matrix, Index row) {
  double sum = 0.0;
  for (Index c = 0; c < matrix.cols(); ++c)
    sum += static_cast<double>(matrix(row, c)) * static_cast<double>(matrix(row, c));
  return sum;
}

Matrix unit_keys(linalg::ConstMatrixRef sample) {
  linalg::check_finite(sample, "codebook sample");
  Matrix keys = sample;
  for (Index r = 0; r < keys.rows(); ++r) {
    const double norm = std::sqrt(squared_norm(keys, r));
    if (norm == 0.0)
      throw base::NumericalError("codebook sample row " + std::to_string(r) + " is zero, so it has no direction");
    for (Index c = 0; c < keys.cols(); ++c) keys(r, c) = static_cast<float>(static_cast<double>(keys(r, c)) / norm);
  }
  return keys;
}

/// Squared distances of each unit key to unit candidates, 2 - 2 cos and never negative: [candidates, keys].
std::vector<double> squared_distances(const Matrix& keys, const Matrix& candidates) {
  const std::size_t width = static_cast<std::size_t>(keys.cols());
  const std::size_t count = static_cast<std::size_t>(keys.rows() * candidates.rows());
  std::vector<float> cosine(count);
  linalg::dot_scores({.rows = {keys.data(), static_cast<std::size_t>(keys.size())},
                      .queries = {candidates.data(), static_cast<std::size_t>(candidates.size())},
                      .width = width,
                      .scores = cosine});
  std::vector<double> distance(count);
  for (std::size_t i = 0; i < count; ++i) distance[i] = std::max(0.0, 2.0 - 2.0 * static_cast<double>(cosine[i]));
  return distance;
}

/// Index drawn with probability proportional to its weight; the first unused one where all weights are 0 (duplicates only).
std::size_t draw(const std::vector<double>& weights, std::mt19937_64& random, std::size_t fallback) {
  double total = 0.0;
  for (const double weight : weights) total += weight;
  double left = uniform(random) * total;
  if (total <= 0.0) return fallback;
  std::size_t last_positive = fallback;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0.0) continue;
    last_positive = i;
    left -= weights[i];
    if (left < 0.0) break;
  }
  return last_positive;
}

/// Greedy k-means++: of a few keys drawn, the one that leaves the sample nearest to its rows becomes the next row.
Matrix spread_start(const Matrix& keys, std::size_t row_count, std::mt19937_64& random) {
  // One draw alone easily leaves a cluster without a row; the kernel scores four in about twice the time of one.
  constexpr std::size_t kDraws = 4;
  const std::size_t key_count = static_cast<std::size_t>(keys.rows());
  Matrix rows(static_cast<Index>(row_count), keys.cols());
  Matrix candidates(static_cast<Index>(kDraws), keys.cols());
  std::vector<double> distance(key_count, 4.0);  // nothing on the sphere is farther
  for (std::size_t k = 0; k < row_count; ++k) {
    std::size_t drawn[kDraws];
    for (std::size_t d = 0; d < kDraws; ++d) {
      drawn[d] = draw(distance, random, k);
      candidates.row(static_cast<Index>(d)) = keys.row(static_cast<Index>(drawn[d]));
    }
    const std::vector<double> to_drawn = squared_distances(keys, candidates);
    std::size_t best = 0;
    double best_total = std::numeric_limits<double>::infinity();
    for (std::size_t d = 0; d < kDraws; ++d) {
      double total = 0.0;
      for (std::size_t i = 0; i < key_count; ++i) total += std::min(distance[i], to_drawn[d * key_count + i]);
      if (total < best_total) {
        best_total = total;
        best = d;
      }
    }
    rows.row(static_cast<Index>(k)) = candidates.row(static_cast<Index>(best));
    for (std::size_t i = 0; i < key_count; ++i) distance[i] = std::min(distance[i], to_drawn[best * key_count + i]);
    distance[drawn[best]] = 0.0;  // rounding must not draw a key twice
  }
  return rows;
}

/// The key that is farthest from its own row and was not taken before.
std::size_t worst_served(const Matrix& keys, const Matrix& rows, const std::vector<std::uint32_t>& row_of,
                         std::vector<bool>& taken) {
  std::size_t worst = 0;
  double worst_cosine = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < row_of.size(); ++i) {
    if (taken[i]) continue;
    double cosine = 0.0;
    for (Index c = 0; c < keys.cols(); ++c) {
      cosine += static_cast<double>(keys(static_cast<Index>(i), c)) *
                static_cast<double>(rows(static_cast<Index>(row_of[i]), c));
    }
    if (cosine < worst_cosine) {
      worst_cosine = cosine;
      worst = i;
    }
  }
  taken[worst] = true;
  return worst;
}

/// Each row becomes the direction of the sum of its keys.
Matrix moved_rows(const Matrix& keys, const Matrix& rows, const std::vector<std::uint32_t>& row_of) {
  linalg::MatrixF64 sums = linalg::MatrixF64::Zero(rows.rows(), rows.cols());
  for (Index i = 0; i < keys.rows(); ++i)
    sums.row(static_cast<Index>(row_of[static_cast<std::size_t>(i)])) += keys.row(i).cast<double>();
  std::vector<bool> used(static_cast<std::size_t>(rows.rows()), false);
  for (const std::uint32_t row : row_of) used[row] = true;
  std::vector<bool> taken(row_of.size(), false);
  Matrix moved = rows;
  for (Index k = 0; k < rows.rows(); ++k) {
    if (!used[static_cast<std::size_t>(k)]) {
      moved.row(k) = keys.row(static_cast<Index>(worst_served(keys, rows, row_of, taken)));
      continue;
    }
    double norm = 0.0;
    for (Index c = 0; c < rows.cols(); ++c) norm += sums(k, c) * sums(k, c);
    norm = std::sqrt(norm);
    if (norm == 0.0) continue;  // opposite keys cancel: the row stays where it is
    for (Index c = 0; c < rows.cols(); ++c) moved(k, c) = static_cast<float>(sums(k, c) / norm);
  }
  return moved;
}

}  // namespace

Matrix train_codebook(linalg::ConstMatrixRef sample, const CodebookOptions& options) {
  if (options.rows == 0 || options.rows > static_cast<std::size_t>(sample.rows())) {
    throw base::ConfigError("a codebook of " + std::to_string(options.rows) + " rows cannot be made from " +
                            std::to_string(sample.rows()) +
                            " keys; it needs 1 to as many rows as keys, so ask for fewer slots or give more text");
  }
  const Matrix keys = unit_keys(sample);
  std::mt19937_64 random(options.seed);
  Matrix rows = spread_start(keys, options.rows, random);
  std::vector<std::uint32_t> row_of = linalg::nearest_rows(keys, rows);
  for (std::size_t i = 0; i < options.max_iterations; ++i) {
    rows = moved_rows(keys, rows, row_of);
    std::vector<std::uint32_t> next = linalg::nearest_rows(keys, rows);
    if (next == row_of) break;
    row_of = std::move(next);
  }
  return rows;
}

}  // namespace larimar::coordinator
