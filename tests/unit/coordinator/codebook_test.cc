#include "coordinator/codebook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "common/base/error.h"
#include "common/linalg/nearest.h"
#include "tests/unit/shard/random_context.h"

namespace larimar::coordinator {
namespace {

using linalg::Index;
using linalg::Matrix;

/// Keys around `centres` directions, close to them.
Matrix clustered_keys(const Matrix& centres, Index each, float spread) {
  const Matrix noise = tests::random_unit_rows(centres.rows() * each, centres.cols(), 99);
  Matrix keys(noise.rows(), noise.cols());
  for (Index i = 0; i < keys.rows(); ++i)
    keys.row(i) = (centres.row(i % centres.rows()) + spread * noise.row(i)).normalized();
  return keys;
}

double mean_cosine(const Matrix& keys, const Matrix& rows) {
  const std::vector<std::uint32_t> row_of = linalg::nearest_rows(keys, rows);
  double sum = 0.0;
  for (Index i = 0; i < keys.rows(); ++i)
    sum += static_cast<double>(keys.row(i).dot(rows.row(static_cast<Index>(row_of[static_cast<std::size_t>(i)]))));
  return sum / static_cast<double>(keys.rows());
}

TEST(TrainCodebook, FindsWellSeparatedClusters) {
  const Matrix centres = tests::random_unit_rows(12, 64, 1);
  const Matrix keys = clustered_keys(centres, 30, 0.1F);
  const Matrix rows = train_codebook(keys, {.rows = 12, .seed = 3});
  const std::vector<std::uint32_t> row_of_centre = linalg::nearest_rows(centres, rows);
  EXPECT_EQ(std::set<std::uint32_t>(row_of_centre.begin(), row_of_centre.end()).size(), 12U)
      << "each cluster has its own row";
  EXPECT_GT(mean_cosine(keys, rows), 0.99);
}

TEST(TrainCodebook, IterationsServeTheSampleBetterThanTheStart) {
  const Matrix keys = tests::random_unit_rows(400, 24, 2);
  EXPECT_GT(mean_cosine(keys, train_codebook(keys, {.rows = 20, .seed = 1, .max_iterations = 10})),
            mean_cosine(keys, train_codebook(keys, {.rows = 20, .seed = 1, .max_iterations = 0})));
}

TEST(TrainCodebook, SameSeedSameBitsUnitRows) {
  const Matrix keys = tests::random_unit_rows(300, 17, 5);
  const Matrix first = train_codebook(keys, {.rows = 32, .seed = 8});
  EXPECT_EQ(first, train_codebook(keys, {.rows = 32, .seed = 8}));
  EXPECT_NE(first, train_codebook(keys, {.rows = 32, .seed = 9}));
  for (Index r = 0; r < first.rows(); ++r) EXPECT_NEAR(first.row(r).norm(), 1.0F, 1e-6F);
}

TEST(TrainCodebook, AsManyRowsAsKeysAndDuplicatesStillGiveFiniteRows) {
  Matrix keys = tests::random_unit_rows(10, 6, 7);
  EXPECT_NEAR(mean_cosine(keys, train_codebook(keys, {.rows = 10, .seed = 1})), 1.0, 1e-6)
      << "every key is its own row";
  for (Index r = 1; r < 10; ++r) keys.row(r) = keys.row(0);
  const Matrix rows = train_codebook(keys, {.rows = 4, .seed = 1});
  EXPECT_TRUE(rows.allFinite());
  EXPECT_NEAR(mean_cosine(keys, rows), 1.0, 1e-6);
}

TEST(TrainCodebook, RefusesImpossibleSizesAndBadKeys) {
  Matrix keys = tests::random_unit_rows(5, 4, 7);
  EXPECT_THROW((void)train_codebook(keys, {.rows = 0}), base::ConfigError);
  EXPECT_THROW((void)train_codebook(keys, {.rows = 6}), base::ConfigError);
  keys.row(3).setZero();
  try {
    (void)train_codebook(keys, {.rows = 2});
    ADD_FAILURE() << "a zero key was accepted";
  } catch (const base::NumericalError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("row 3 is zero"));
  }
  keys(3, 0) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW((void)train_codebook(keys, {.rows = 2}), base::NumericalError);
}

}  // namespace
}  // namespace larimar::coordinator
