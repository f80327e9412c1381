#include "shard/weighted_solver.h"

#include <string>
#include <utility>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/linalg/blas.h"
#include "common/linalg/finite.h"
#include "common/linalg/pseudo_inverse.h"

namespace larimar::shard {
namespace {

using linalg::Index;
using linalg::Matrix;

void append_rows(Matrix& all, linalg::ConstMatrixRef more) {
  const Index before = all.rows();
  all.conservativeResize(before + more.rows(), more.cols());
  all.bottomRows(more.rows()) = more;
}

/// Takes out the first row of [W Z] that is bit for bit this one.
void erase_row(Matrix& weights, Matrix& codes, linalg::ConstMatrixRef weight, linalg::ConstMatrixRef code) {
  for (Index row = 0; row < weights.rows(); ++row) {
    if (weights.row(row) != weight.row(0) || codes.row(row) != code.row(0)) continue;
    const Index last = weights.rows() - 1;
    for (Index i = row; i < last; ++i) {  // keeps the order of the writes
      weights.row(i) = weights.row(i + 1).eval();
      codes.row(i) = codes.row(i + 1).eval();
    }
    weights.conservativeResize(last, Eigen::NoChange);
    codes.conservativeResize(last, Eigen::NoChange);
    return;
  }
  throw base::Error(base::ExitCode::kInternal, "a segment was to be forgotten that was never written");
}

}  // namespace

WeightedSolver::WeightedSolver(std::shared_ptr<const memory::Addresser> addresser, Index code_size,
                               const memory::MemoryRules& rules)
    : addresser_(std::move(addresser)), rules_(rules), statistics_(addresser_->slots(), code_size) {
  if (addresser_->is_one_hot())
    throw base::Error(base::ExitCode::kInternal, "one-hot addressing has its own, cheaper solver");
  weights_.resize(0, addresser_->slots());
  codes_.resize(0, code_size);
  set_memory(Matrix::Zero(addresser_->slots(), code_size), {0, addresser_->slots()});
}

const linalg::GramStatistics& WeightedSolver::statistics() const {
  return recursive_ ? recursive_->statistics() : statistics_;
}

void WeightedSolver::add(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes) { change(keys, codes, true); }

void WeightedSolver::remove(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes) { change(keys, codes, false); }

void WeightedSolver::change(linalg::ConstMatrixRef keys, linalg::ConstMatrixRef codes, bool add) {
  if (keys.rows() == 0) return;
  const Matrix weights = addresser_->weights(keys);
  if (rules_.solve == memory::Solve::kBenCohen) {
    linalg::check_finite(codes, "codes");
    if (add) {
      append_rows(weights_, weights);
      append_rows(codes_, codes);
    } else {
      for (Index row = 0; row < keys.rows(); ++row) erase_row(weights_, codes_, weights.row(row), codes.row(row));
    }
    solved_ = false;
    return;
  }
  const bool follow =
      rules_.solve == memory::Solve::kLocal && rules_.ridge > 0 && solved_ && statistics().segments() > 0;
  if (follow && !recursive_)
    recursive_.emplace(std::move(statistics_), std::nullopt, linalg::RecursiveOptions{.ridge = rules_.ridge});
  if (recursive_) {
    add ? recursive_->write(weights, codes) : recursive_->forget(weights, codes);
    hold(recursive_->memory());
    return;
  }
  add ? statistics_.add(weights, codes) : statistics_.remove(weights, codes);
  solved_ = false;
}

void WeightedSolver::hold(const linalg::MatrixF64& memory) {
  Matrix rounded = memory.cast<float>();
  linalg::check_finite(rounded, "the solved memory");
  set_memory(rounded, {0, rounded.rows()});
}

Matrix WeightedSolver::solve_ben_cohen() const {
  if (weights_.rows() == 0) return Matrix::Zero(addresser_->slots(), codes_.cols());
  const Matrix inverse = linalg::ben_cohen_inverse(weights_, rules_.steps);
  Matrix memory(addresser_->slots(), codes_.cols());
  linalg::multiply(inverse, linalg::Transpose::kNo, codes_, linalg::Transpose::kNo, memory);
  return memory;
}

void WeightedSolver::solve() {
  if (solved_) return;
  if (rules_.solve == memory::Solve::kBenCohen) {
    const Matrix memory = solve_ben_cohen();
    set_memory(memory, {0, memory.rows()});
  } else {
    hold(statistics_.solve(std::nullopt, rules_.ridge).memory);
  }
  solved_ = true;
}

void WeightedSolver::adopt(const Matrix& memory, SlotRange mine) {
  if (memory.rows() != addresser_->slots() || memory.cols() != statistics_.latent() || mine.first < 0 ||
      mine.count < 0 || mine.first + mine.count > memory.rows()) {
    throw base::ShapeError("a memory of shape [" + std::to_string(memory.rows()) + ", " +
                           std::to_string(memory.cols()) + "] was handed out where [" +
                           std::to_string(addresser_->slots()) + ", " + std::to_string(statistics_.latent()) +
                           "] (slots, code size) was expected");
  }
  linalg::check_finite(memory, "the solved memory");
  set_memory(memory, mine);
  solved_ = true;
}

void WeightedSolver::set_memory(const Matrix& memory, SlotRange mine) {
  mine_ = mine;
  memory_ = memory.middleRows(mine.first, mine.count);
  if (rules_.read_weights != memory::ReadWeights::kMemory) return;
  const bool iterate = rules_.solve == memory::Solve::kBenCohen && weights_.rows() > 0;
  const Matrix inverse =
      iterate ? linalg::ben_cohen_inverse(memory, rules_.steps) : Matrix(linalg::pseudo_inverse(memory).cast<float>());
  inverse_ = inverse.middleCols(mine.first, mine.count);
}

Matrix WeightedSolver::read(linalg::ConstMatrixRef keys) const {
  LARIMAR_EXPECT(solved_);
  Matrix result = Matrix::Zero(keys.rows(), memory_.cols());
  if (mine_.count == 0 || keys.rows() == 0) return result;
  Matrix weights(keys.rows(), mine_.count);
  if (rules_.read_weights == memory::ReadWeights::kMemory) {
    linalg::multiply(keys, linalg::Transpose::kNo, inverse_, linalg::Transpose::kNo, weights);
  } else {
    weights = addresser_->weights(keys).middleCols(mine_.first, mine_.count);
  }
  linalg::multiply(weights, linalg::Transpose::kNo, memory_, linalg::Transpose::kNo, result);
  return result;
}

}  // namespace larimar::shard
