#include "common/memory/addresser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/base/error.h"
#include "common/linalg/pseudo_inverse.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::memory {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::reference::random_matrix;

MemoryRules codebook_rules(Addressing addressing, Index slots, Solve solve = Solve::kGlobal) {
  MemoryRules rules{.addressing = addressing, .key_memory = KeyMemory::kCodebook, .solve = solve};
  rules.slots = static_cast<std::size_t>(slots);
  rules.aggregation = usual_aggregation(addressing, KeyMemory::kCodebook, solve);
  return rules;
}

TEST(Addresser, DenseWeightsAreTheKeysTimesTheInverse) {
  const Matrix M0 = random_matrix(12, 20, 1), keys = random_matrix(9, 20, 2);
  const Addresser addresser(M0, codebook_rules(Addressing::kDense, 12));
  const linalg::MatrixF64 inverse = linalg::pseudo_inverse(M0);
  const linalg::MatrixF64 exact = keys.cast<double>() * inverse;
  // The inverse is rounded once, then 20 products are summed in float.
  const double bound = 1.01 * 22.0 * 0x1p-24 * static_cast<double>(keys.norm()) * inverse.norm();
  EXPECT_LE((addresser.weights(keys).cast<double>() - exact).norm(), bound);
  EXPECT_FALSE(addresser.is_one_hot());
  EXPECT_EQ(addresser.slots(), 12);
  EXPECT_EQ(addresser.key_size(), 20);
  EXPECT_EQ(addresser.weights(Matrix(0, 20)).rows(), 0);
}

TEST(Addresser, BenCohenUsesItsOwnInverse) {
  const Matrix M0 = random_matrix(12, 20, 3), keys = random_matrix(4, 20, 4);
  MemoryRules rules = codebook_rules(Addressing::kDense, 12, Solve::kBenCohen);
  rules.steps = 3;
  const Matrix exact = keys * linalg::ben_cohen_inverse(M0, 3);
  EXPECT_LE((Addresser(M0, rules).weights(keys) - exact).norm(), 1e-5F * exact.norm());
  EXPECT_THROW(Addresser(100.0F * M0, rules), base::NumericalError) << "diverges";
}

TEST(Addresser, GaussianWeightsFollowTheFormula) {
  const Matrix M0 = random_matrix(6, 4, 5, 0.05F), keys = random_matrix(8, 4, 6, 0.05F);
  const Matrix weights = Addresser(M0, codebook_rules(Addressing::kGaussian, 6)).weights(keys);
  for (Index i = 0; i < keys.rows(); ++i) {
    Eigen::RowVectorXd exact(6);
    for (Index k = 0; k < 6; ++k)
      exact(k) = std::exp(-(keys.row(i).cast<double>() - M0.row(k).cast<double>()).squaredNorm() / 2e-3);
    exact /= exact.sum();
    EXPECT_LE((weights.row(i).cast<double>() - exact).cwiseAbs().maxCoeff(), 0x1p-24 + 1e-12);
  }
}

TEST(Addresser, GaussianWeightsAreNeverNanHoweverFarTheKey) {
  const Matrix M0{{0.0F, 0.0F}, {1.0F, 0.0F}, {1.0F, 0.0F}};
  MemoryRules rules = codebook_rules(Addressing::kGaussian, 3);
  for (const double alpha : {1e-300, 1e-3, 1e3}) {
    rules.alpha = alpha;
    const Addresser addresser(M0, rules);
    for (const float size : {0.0F, 1e-2F, 1e3F, 1e17F}) {
      const Matrix weights = addresser.weights(Matrix{{size, size}, {-size, 0.0F}});
      ASSERT_TRUE(weights.allFinite()) << "alpha " << alpha << ", key " << size;
      EXPECT_NEAR(weights.row(0).sum(), 1.0F, 1e-6F);
      EXPECT_NEAR(weights.row(1).sum(), 1.0F, 1e-6F);
      EXPECT_EQ(weights(0, 1), weights(0, 2)) << "equal rows share";
    }
  }
}

TEST(Addresser, NearestIsEuclideanAndTopRowsGoByDotProduct) {
  const Matrix M0{{10.0F, 0.0F}, {1.0F, 0.0F}, {0.0F, 1.0F}, {1.0F, 0.0F}};
  const Addresser nearest(M0, codebook_rules(Addressing::kNearest, 4));
  const Matrix key{{1.2F, 0.1F}};
  EXPECT_THAT(nearest.nearest(key), testing::ElementsAre(1U)) << "equal distances go to the lower row";
  EXPECT_TRUE(nearest.is_one_hot());
  const Addresser best(M0, codebook_rules(Addressing::kTopK, 4));
  const Addresser::TopRows found = best.top_rows(Matrix{{1.2F, 0.1F}, {0.0F, 2.0F}}, 3);
  EXPECT_THAT(found.rows, testing::ElementsAre(0U, 1U, 3U, 2U, 0U, 1U)) << "equal scores by the lower row";
  EXPECT_THAT(found.scores, testing::ElementsAre(12.0F, 1.2F, 1.2F, 2.0F, 0.0F, 0.0F));
  EXPECT_TRUE(best.is_one_hot());
}

TEST(Addresser, RefusesBadInput) {
  const Matrix M0 = random_matrix(4, 3, 7), keys = random_matrix(2, 3, 8);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Addressing addressing :
       {Addressing::kDense, Addressing::kGaussian, Addressing::kNearest, Addressing::kTopK}) {
    const MemoryRules rules = codebook_rules(addressing, 4);
    EXPECT_THROW(Addresser(Matrix(0, 3), rules), base::ShapeError) << "K = 0";
    EXPECT_THROW(Addresser(Matrix(4, 0), rules), base::ShapeError);
    EXPECT_THROW(Addresser(random_matrix(5, 3, 1), rules), base::ConfigError) << "another number of slots";
    Matrix bad = M0;
    bad(2, 1) = nan;
    try {
      const Addresser refused(bad, rules);
      FAIL() << "NaN was accepted";
    } catch (const base::NumericalError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("key memory row 2"));
    }
    const Addresser addresser(M0, rules);
    const auto use = [&](const Matrix& some) {
      if (addresser.is_one_hot()) {
        (void)addresser.nearest(some);
        (void)addresser.top_rows(some, 2);
      } else {
        (void)addresser.weights(some);
      }
    };
    EXPECT_NO_THROW(use(keys));
    EXPECT_THROW(use(random_matrix(2, 4, 1)), base::ShapeError);
    Matrix bad_keys = keys, huge = keys;
    bad_keys(1, 2) = nan;
    huge(1, 2) = 1e19F;
    for (const Matrix& refused : {bad_keys, huge}) {
      try {
        use(refused);
        FAIL() << "accepted " << refused(1, 2);
      } catch (const base::NumericalError& error) {
        EXPECT_THAT(error.what(), testing::HasSubstr("keys row 1"));
      }
    }
  }
  const Addresser one_hot(M0, codebook_rules(Addressing::kNearest, 4));
  EXPECT_THROW((void)one_hot.weights(keys), base::Error);
  EXPECT_THROW((void)one_hot.top_rows(keys, 0), base::ConfigError);
  EXPECT_THROW((void)one_hot.top_rows(keys, 5), base::ConfigError);
  MemoryRules refused = codebook_rules(Addressing::kDense, 4);
  refused.ridge = -1.0;
  EXPECT_THROW(Addresser(M0, refused), base::ConfigError);
  EXPECT_THROW(Addresser(1e-39F * M0, codebook_rules(Addressing::kDense, 4)), base::NumericalError)
      << "an inverse above the largest float";
}

}  // namespace
}  // namespace larimar::memory
