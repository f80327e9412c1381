// Reads of chunks, written to a memory of the next level and read again, against the same steps in double.
#include "coordinator/hierarchical.h"

#include <gtest/gtest.h>

#include <Eigen/QR>
#include <algorithm>
#include <random>

#include "common/base/error.h"
#include "tests/support/memory_rules.h"

namespace larimar::coordinator {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::MatrixF64;

constexpr Index kSize = 12;  // codes are the keys of the next level

Matrix random_matrix(Index rows, Index columns, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  return Matrix::NullaryExpr(rows, columns, [&] { return normal(random); });
}

memory::MemoryRules rules_of(memory::Addressing addressing, Index slots, memory::Solve solve = memory::Solve::kLocal) {
  memory::MemoryRules rules = support::codebook_rules(addressing, static_cast<std::size_t>(slots), solve);
  rules.aggregation = memory::Aggregation::kHierarchical;
  rules.alpha = 4.0;  // wide enough that every row has a share
  return rules;
}

MatrixF64 pseudo_inverse(const MatrixF64& matrix) { return matrix.completeOrthogonalDecomposition().pseudoInverse(); }

/// The levels as the header words them, in double, for dense addressing.
MatrixF64 slow_levels(const MatrixF64& reads, const MatrixF64& key, const MatrixF64& key_memory) {
  const MatrixF64 inverse = pseudo_inverse(key_memory);
  MatrixF64 level = reads;
  while (level.rows() > 1) {
    MatrixF64 next((level.rows() + kReadsPerLevel - 1) / kReadsPerLevel, level.cols());
    for (Index group = 0; group < next.rows(); ++group) {
      const Index first = group * kReadsPerLevel;
      const MatrixF64 part = level.middleRows(first, std::min<Index>(kReadsPerLevel, level.rows() - first));
      next.row(group) = (key * inverse) * (pseudo_inverse(part * inverse) * part);
    }
    level = next;
  }
  return level;
}

TEST(Hierarchical, NothingReadIsZeroAndOneReadIsItself) {
  const memory::MemoryRules rules = rules_of(memory::Addressing::kDense, 40);
  const auto addresser = support::addresser_of(random_matrix(40, kSize, 1), rules);
  const Matrix key = random_matrix(1, kSize, 2), one = random_matrix(1, kSize, 3);
  EXPECT_TRUE(read_hierarchical(Matrix(0, kSize), key, *addresser, rules).isZero(0));
  EXPECT_EQ(read_hierarchical(one, key, *addresser, rules), one.row(0));
}

TEST(Hierarchical, DenseLevelsEqualTheSameStepsInDouble) {
  const memory::MemoryRules rules = rules_of(memory::Addressing::kDense, 40);
  const Matrix key_memory = random_matrix(40, kSize, 11);
  const auto addresser = support::addresser_of(key_memory, rules);
  // One group, one group with less than full rank, two groups, and more than a group of groups.
  for (const Index chunks : {2, 5, 16, 17, 40, 300}) {
    const Matrix reads = random_matrix(chunks, kSize, 100 + static_cast<std::uint64_t>(chunks));
    const Matrix key = random_matrix(1, kSize, 7);
    const MatrixF64 slow = slow_levels(reads.cast<double>(), key.cast<double>(), key_memory.cast<double>());
    const linalg::RowVector fast = read_hierarchical(reads, key, *addresser, rules);
    EXPECT_LE((fast.cast<double>() - slow.row(0)).norm(), 1e-5 * slow.norm() + 1e-5) << chunks << " chunks";
  }
}

TEST(Hierarchical, AKeyThatIsOneOfTheReadsFindsThatRead) {
  for (const memory::Addressing addressing : {memory::Addressing::kDense, memory::Addressing::kGaussian}) {
    const memory::MemoryRules rules = rules_of(addressing, 40);
    const auto addresser = support::addresser_of(random_matrix(40, kSize, 21), rules);
    const Matrix reads = random_matrix(8, kSize, 22);  // fewer than slots and, for dense, than components
    for (Index i = 0; i < reads.rows(); ++i) {
      const linalg::RowVector z = read_hierarchical(reads, reads.row(i), *addresser, rules);
      EXPECT_LE((z - reads.row(i)).norm(), 1e-3F * reads.row(i).norm()) << memory::name_of(addressing) << ' ' << i;
    }
  }
}

TEST(Hierarchical, ARidgeShrinksWhatIsRead) {
  memory::MemoryRules rules = rules_of(memory::Addressing::kDense, 40);
  const auto addresser = support::addresser_of(random_matrix(40, kSize, 31), rules);
  const Matrix reads = random_matrix(4, kSize, 32);
  const float plain = read_hierarchical(reads, reads.row(0), *addresser, rules).norm();
  rules.ridge = 1.0;
  EXPECT_LT(read_hierarchical(reads, reads.row(0), *addresser, rules).norm(), 0.9F * plain);
}

TEST(Hierarchical, TheFixedStepIterationIsNearTheExactOneOrSaysThatItDiverges) {
  const memory::MemoryRules rules = rules_of(memory::Addressing::kDense, 40, memory::Solve::kBenCohen);
  // Rows of orthogonal directions, so that no singular value is beyond what fifteen steps reach.
  Matrix key_memory = Matrix::Zero(40, kSize);
  key_memory.topRows(kSize) = 5.0F * Matrix::Identity(kSize, kSize);
  const auto addresser = support::addresser_of(key_memory, rules);
  const Matrix reads = 25.0F * Matrix::Identity(6, kSize);
  const linalg::RowVector z = read_hierarchical(reads, reads.row(2), *addresser, rules);
  EXPECT_LE((z - reads.row(2)).norm(), 1e-3F * reads.row(2).norm());
  EXPECT_THROW(static_cast<void>(read_hierarchical(1e4F * reads, reads.row(0), *addresser, rules)),
               base::NumericalError);
}

}  // namespace
}  // namespace larimar::coordinator
