#include "eval/capacity_score.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/linalg/blas.h"
#include "eval/capacity.h"

namespace larimar::eval {
namespace {

using linalg::ConstMatrixRef;
using linalg::Index;
using linalg::Matrix;

constexpr Index kBlock = 256;  // reads scored at once: [256, N] cosines

}  // namespace

CodeIndex::CodeIndex(ConstMatrixRef codes) : codes_(codes), unit_(codes.rowwise().normalized()) {}

ReadScores CodeIndex::score(ConstMatrixRef reads, std::span<const Index> facts) const {
  if (reads.cols() != codes_.cols() || !std::cmp_equal(reads.rows(), facts.size()))
    throw base::ShapeError("reads [" + std::to_string(reads.rows()) + ", " + std::to_string(reads.cols()) + "] of " +
                           std::to_string(facts.size()) + " facts cannot be compared with codes of " +
                           std::to_string(codes_.cols()) + " components");
  ReadScores scores;
  Matrix cosines;
  for (Index at = 0; at < reads.rows(); at += kBlock) {
    const Index rows = std::min(kBlock, reads.rows() - at);
    linalg::multiply(reads.middleRows(at, rows), linalg::Transpose::kNo, unit_, linalg::Transpose::kYes, cosines);
    for (Index i = 0; i < rows; ++i) {
      const Index fact = facts[static_cast<std::size_t>(at + i)];
      const double length = reads.row(at + i).cast<double>().norm();
      Index best = 0;
      const double greatest = static_cast<double>(cosines.row(i).maxCoeff(&best));
      const bool identified = length > 0.0 && best == fact;
      scores.identified.add(identified);
      scores.recalled.add(identified && greatest >= kRecallCosine * length);
      const auto code = codes_.row(fact).cast<double>();
      scores.exact.add((reads.row(at + i).cast<double>() - code).norm() <= kExactError * code.norm());
    }
  }
  return scores;
}

}  // namespace larimar::eval
