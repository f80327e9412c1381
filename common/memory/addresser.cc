#include "common/memory/addresser.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/linalg/blas.h"
#include "common/linalg/finite.h"
#include "common/linalg/fixed_dot.h"
#include "common/linalg/nearest.h"
#include "common/linalg/pseudo_inverse.h"

namespace larimar::memory {
namespace {

using linalg::Index;
using linalg::Matrix;

/// Below this norm no partial sum of a dot product in float can overflow (docs/numerics.md).
constexpr double kLargestNorm = 1e18;

void check_norms(linalg::ConstMatrixRef rows, const char* name) {
  linalg::check_finite(rows, name);
  for (Index i = 0; i < rows.rows(); ++i) {
    if (rows.row(i).cast<double>().norm() > kLargestNorm)
      throw base::NumericalError(std::string(name) + " row " + std::to_string(i) +
                                 " has a norm above 1e18, where scores in float overflow; scale the keys down");
  }
}

void check_keys(linalg::ConstMatrixRef keys, const Matrix& key_memory) {
  if (keys.cols() != key_memory.cols()) {
    throw base::ShapeError("keys have " + std::to_string(keys.cols()) + " components but the key memory's rows have " +
                           std::to_string(key_memory.cols()) + "; both must come from the same key encoder");
  }
  check_norms(keys, "keys");
}

Matrix invert(const Matrix& key_memory, const MemoryRules& rules) {
  if (rules.solve == Solve::kBenCohen) return linalg::ben_cohen_inverse(key_memory, rules.steps);
  const Matrix inverse = linalg::pseudo_inverse(key_memory).cast<float>();
  if (!inverse.allFinite())
    throw base::NumericalError("the pseudo-inverse of the key memory does not fit into floats; scale its rows up");
  return inverse;
}

/// exp(-(d - min d) / (2 alpha)), normed; d in double, so that no exponent overflows and the nearest row always counts.
void gaussian_row(const Eigen::RowVectorXd& key, const linalg::MatrixF64& rows, double alpha, float* weights) {
  const Eigen::VectorXd distance = (rows.rowwise() - key).rowwise().squaredNorm();
  const Eigen::VectorXd share = ((distance.minCoeff() - distance.array()) / (2.0 * alpha)).exp();
  Eigen::Map<Eigen::VectorXf>(weights, rows.rows()) = (share / share.sum()).cast<float>();
}

}  // namespace

Addresser::Addresser(Matrix key_memory, const MemoryRules& rules) : key_memory_(std::move(key_memory)), rules_(rules) {
  if (key_memory_.rows() < 1 || key_memory_.cols() < 1)
    throw base::ShapeError("a key memory of shape [" + std::to_string(key_memory_.rows()) + ", " +
                           std::to_string(key_memory_.cols()) + "] has no slot; it needs K >= 1 rows");
  check_norms(key_memory_, "the key memory");
  check(rules_, static_cast<std::size_t>(key_memory_.cols()), 0);
  if (rules_.key_memory == KeyMemory::kCodebook && rules_.slots != static_cast<std::size_t>(key_memory_.rows()))
    throw base::ConfigError("the key memory has " + std::to_string(key_memory_.rows()) + " rows but " +
                            std::to_string(rules_.slots) + " slots were asked for; the two must agree");
  if (rules_.addressing == Addressing::kDense) inverse_ = invert(key_memory_, rules_);
}

bool Addresser::is_one_hot() const {
  return rules_.addressing == Addressing::kNearest || rules_.addressing == Addressing::kTopK;
}

Matrix Addresser::weights(linalg::ConstMatrixRef keys) const {
  if (is_one_hot())
    throw base::Error(base::ExitCode::kInternal,
                      "weights were asked of one-hot addressing, which has a nearest row instead");
  check_keys(keys, key_memory_);
  Matrix result(keys.rows(), slots());
  if (rules_.addressing == Addressing::kGaussian) {
    const linalg::MatrixF64 rows = key_memory_.cast<double>();
    for (Index i = 0; i < keys.rows(); ++i)
      gaussian_row(keys.row(i).cast<double>(), rows, rules_.alpha, result.row(i).data());
    return result;
  }
  linalg::multiply(keys, linalg::Transpose::kNo, inverse_, linalg::Transpose::kNo, result);
  linalg::check_finite(result, "addressing weights");
  return result;
}

std::vector<std::uint32_t> Addresser::nearest(linalg::ConstMatrixRef keys) const {
  check_keys(keys, key_memory_);
  return linalg::nearest_rows(keys, key_memory_);
}

Addresser::TopRows Addresser::top_rows(linalg::ConstMatrixRef keys, std::size_t top) const {
  check_keys(keys, key_memory_);
  const std::size_t count = static_cast<std::size_t>(slots()), width = static_cast<std::size_t>(key_size());
  if (top < 1 || top > count)
    throw base::ConfigError("the best " + std::to_string(top) + " of " + std::to_string(count) +
                            " rows were asked for; choose 1 to " + std::to_string(count));
  TopRows result;
  const std::span<const float> rows{key_memory_.data(), count * width};
  std::vector<float> scores(count);
  std::vector<std::uint32_t> order(count);
  for (Index i = 0; i < keys.rows(); ++i) {
    linalg::dot_scores({.rows = rows, .queries = {keys.row(i).data(), width}, .width = width, .scores = scores});
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::partial_sort(
        order, order.begin() + static_cast<std::ptrdiff_t>(top),
        [&](std::uint32_t a, std::uint32_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
    for (std::size_t rank = 0; rank < top; ++rank) {
      result.rows.push_back(order[rank]);
      result.scores.push_back(scores[order[rank]]);
    }
  }
  return result;
}

}  // namespace larimar::memory
