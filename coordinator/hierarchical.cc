#include "coordinator/hierarchical.h"

#include <algorithm>
#include <optional>

#include "common/linalg/blas.h"
#include "common/linalg/least_squares.h"
#include "common/linalg/pseudo_inverse.h"

namespace larimar::coordinator {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::Transpose;

/// Least squares of the group's reads at their own weights.
Matrix write_level(const Matrix& weights, linalg::ConstMatrixRef reads, const memory::MemoryRules& rules) {
  if (rules.solve != memory::Solve::kBenCohen)
    return linalg::solve_write({.addressing = weights, .codes = reads, .prior = std::nullopt, .ridge = rules.ridge});
  Matrix memory(weights.cols(), reads.cols());
  linalg::multiply(linalg::ben_cohen_inverse(weights, rules.steps), Transpose::kNo, reads, Transpose::kNo, memory);
  return memory;
}

}  // namespace

linalg::RowVector read_hierarchical(const Matrix& chunk_reads, linalg::ConstMatrixRef key,
                                    const memory::Addresser& addresser, const memory::MemoryRules& rules) {
  if (chunk_reads.rows() == 0) return linalg::RowVector::Zero(chunk_reads.cols());
  const Matrix key_weights = addresser.weights(key);
  Matrix level = chunk_reads;
  while (level.rows() > 1) {
    const Index groups = (level.rows() + kReadsPerLevel - 1) / kReadsPerLevel;
    Matrix next(groups, level.cols());
    for (Index group = 0; group < groups; ++group) {
      const Index first = group * kReadsPerLevel;
      const auto reads = level.middleRows(first, std::min(kReadsPerLevel, level.rows() - first));
      Matrix read(1, level.cols());
      linalg::multiply(key_weights, Transpose::kNo, write_level(addresser.weights(reads), reads, rules), Transpose::kNo,
                       read);
      next.row(group) = read;
    }
    level = std::move(next);
  }
  return level.row(0);
}

}  // namespace larimar::coordinator
