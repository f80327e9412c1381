// The memory as a whole, from keys to what is read: round trips, and inputs that break careless solvers.
#include <gtest/gtest.h>

#include <string>

#include "common/base/error.h"
#include "common/linalg/gram.h"
#include "common/linalg/least_squares.h"
#include "common/linalg/recursive.h"
#include "common/memory/addresser.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::memory {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::MatrixF64;
using linalg::reference::kDoubleRounding;
using linalg::reference::kFloatRounding;
using linalg::reference::kSanitized;
using linalg::reference::random_matrix;
using linalg::reference::relative_error;

Addresser dense_addresser(Index slots, Index width, Addressing addressing = Addressing::kDense) {
  MemoryRules rules{.addressing = addressing, .key_memory = KeyMemory::kCodebook, .aggregation = Aggregation::kSum};
  rules.slots = static_cast<std::size_t>(slots);
  return Addresser(random_matrix(slots, width, 1), rules);
}

linalg::WriteSolution solve(const Matrix& weights, const Matrix& codes, double ridge) {
  linalg::GramStatistics sums(weights.cols(), codes.cols());
  sums.add(weights, codes);
  return sums.solve(std::nullopt, ridge);
}

TEST(DenseMemory, WhatIsWrittenIsReadBack) {
  constexpr Index kSlots = kSanitized ? 40 : 160, kLatent = kSanitized ? 60 : 240;
  const Addresser addresser = dense_addresser(kSlots, kLatent);
  for (const double share : {0.05, 0.3, 0.6, 0.8, 0.9}) {
    const Index segments = static_cast<Index>(share * static_cast<double>(kSlots));
    for (const float norm : {1e-2F, 1.0F, 1e3F}) {
      const Matrix Z = random_matrix(segments, kLatent, 2, norm), W = addresser.weights(Z);
      const Eigen::VectorXd values = Eigen::JacobiSVD<Eigen::MatrixXd>(W.cast<double>()).singularValues();
      const double condition = values(0) / values(values.size() - 1);
      // W M = W W'(W W')^-1 Z: the factor errs by cond(W)^2 in double, and W times the rounding of M to float by cond(W).
      const double size = static_cast<double>(kSlots);
      const double bound = 8.0 * size * condition * condition * kDoubleRounding + 2.0 * condition * kFloatRounding;
      const Matrix from_sums = solve(W, Z, 0.0).memory.cast<float>();
      const Matrix from_rows = linalg::solve_write({.addressing = W, .codes = Z, .prior = std::nullopt});
      for (const Matrix& memory : {from_sums, from_rows}) {
        const double error = relative_error(MatrixF64(W.cast<double>() * memory.cast<double>()), Z);
        EXPECT_LE(error, bound) << segments << " segments of norm " << norm << ", condition " << condition;
        EXPECT_LE(error, 1e-4);
      }
    }
  }
}

struct Damage {
  const char* name;
  void (*apply)(Matrix&);
};

const Damage kDamages[] = {
    {"none", [](Matrix&) {}},
    {"duplicated", [](Matrix& Z) { Z.bottomRows(Z.rows() / 2) = Z.topRows(Z.rows() / 2).eval(); }},
    {"zero rows", [](Matrix& Z) { Z.topRows((Z.rows() + 2) / 3).setZero(); }},
    {"all zero", [](Matrix& Z) { Z.setZero(); }},
    {"rank one",
     [](Matrix& Z) { Z = (Z.leftCols(1) * Z.topRows(std::min<Index>(1, Z.rows())).colwise().sum()).eval(); }},
    {"equal but for the last bits", [](Matrix& Z) { Z = (Z * 1e-6F).rowwise() + Z.colwise().sum(); }},
};

TEST(DenseMemory, NeverHoldsNanOrInfinity) {
  constexpr Index kSlots = 16, kLatent = 20;
  for (const Addressing addressing : {Addressing::kDense, Addressing::kGaussian}) {
    const Addresser addresser = dense_addresser(kSlots, kLatent, addressing);
    for (const Index segments : {Index{0}, Index{1}, kSlots - 1, kSlots, kSlots + 1, 2 * kSlots}) {
      for (const float norm : {1e-2F, 1.0F, 10.0F, 1e3F}) {
        for (const Damage& damage : kDamages) {
          Matrix Z = random_matrix(segments, kLatent, 3, norm / 4.5F);
          damage.apply(Z);
          const Matrix W = addresser.weights(Z);
          const std::string what = std::string(damage.name) + ", " + std::to_string(segments) + " segments of norm " +
                                   std::to_string(norm) + ", " + std::string(name_of(addressing));
          for (const double ridge : {0.0, 1e-6, 1.0}) {
            const MatrixF64 memory = solve(W, Z, ridge).memory;
            ASSERT_TRUE(memory.allFinite()) << what << ", ridge " << ridge;
            // No minimiser is better than zero by more than rounding, so what is read is no larger than what was written.
            EXPECT_LE((W.cast<double>() * memory).norm(), 1.001 * Z.cast<double>().norm() + 1e-30) << what;
            const linalg::WriteProblem problem{.addressing = W, .codes = Z, .prior = std::nullopt, .ridge = ridge};
            ASSERT_TRUE(linalg::solve_write(problem).allFinite()) << what << ", ridge " << ridge;
          }
          linalg::RecursiveMemory recursive(linalg::GramStatistics(kSlots, kLatent), std::nullopt, {});
          for (Index row = 0; row < segments; ++row) recursive.write(W.row(row), Z.row(row));
          ASSERT_TRUE(recursive.memory().allFinite()) << what;
          for (Index row = 0; row < segments; row += 2) recursive.forget(W.row(row), Z.row(row));
          ASSERT_TRUE(recursive.memory().allFinite()) << what << ", half of it forgotten";
          ASSERT_TRUE(recursive.covariance().allFinite()) << what;
        }
      }
    }
  }
}

}  // namespace
}  // namespace larimar::memory
