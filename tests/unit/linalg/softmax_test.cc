#include "common/linalg/softmax.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "common/base/error.h"
#include "tests/unit/linalg/reference.h"

namespace larimar::linalg {
namespace {

constexpr Index kLatent = 5;

std::span<const float> row_of(const Matrix& matrix, Index row) {
  return {matrix.data() + row * matrix.cols(), static_cast<std::size_t>(matrix.cols())};
}

Eigen::RowVectorXd plain_softmax(const std::vector<double>& logits, const Matrix& codes) {
  const Eigen::Map<const Eigen::VectorXd> x(logits.data(), static_cast<Index>(logits.size()));
  const Eigen::VectorXd share = (x.array() - x.maxCoeff()).exp();
  return (share.transpose() * codes.cast<double>()) / share.sum();
}

/// Each part merged into another in random order until one is left, sides swapped at random.
SoftmaxPartial merge_in_random_tree(std::vector<SoftmaxPartial> parts, std::mt19937_64& random) {
  while (parts.size() > 1) {
    const std::size_t a = random() % parts.size();
    std::swap(parts[a], parts.back());
    const SoftmaxPartial one = parts.back();
    parts.pop_back();
    parts[random() % parts.size()].merge(one);
  }
  return parts.front();
}

TEST(SoftmaxPartial, AnyTreeGivesThePlainSoftmax) {
  std::mt19937_64 random(1);
  for (const double spread : {0.0, 1.0, 30.0, 1e4}) {
    for (int tree = 0; tree < 50; ++tree) {
      const Index count = 1 + static_cast<Index>(random() % 40);
      const Matrix codes = reference::random_matrix(count, kLatent, random());
      std::vector<double> logits(static_cast<std::size_t>(count));
      std::uniform_real_distribution<double> uniform(-spread, spread);
      std::vector<SoftmaxPartial> parts{SoftmaxPartial(kLatent)};  // one shard is empty
      for (Index i = 0; i < count; ++i) {
        logits[static_cast<std::size_t>(i)] = uniform(random);
        if (i % 3 == 0) parts.emplace_back(kLatent);
        parts.back().add(logits[static_cast<std::size_t>(i)], row_of(codes, i));
      }
      const RowVector mean = merge_in_random_tree(parts, random).mean();
      const double error = (mean.cast<double>() - plain_softmax(logits, codes)).cwiseAbs().maxCoeff();
      // Sums in double with at most 4 roundings for each value and merge, then one rounding to float.
      const double bound = (reference::kFloatRounding + 8.0 * static_cast<double>(count) * reference::kDoubleRounding) *
                           static_cast<double>(codes.cwiseAbs().maxCoeff());
      EXPECT_LE(error, bound) << "spread " << spread << ", tree " << tree << " of " << count;
      EXPECT_LE(error, 1e-6);
    }
  }
}

TEST(SoftmaxPartial, ExtremeLogitsNeitherOverflowNorVanish) {
  const Matrix codes{{1.0F}, {3.0F}};
  for (const double size : {1e4, 1e300}) {
    SoftmaxPartial part(1);
    part.add(-size, row_of(codes, 0));
    EXPECT_EQ(part.mean()(0), 1.0F) << "alone, however small";
    part.add(size, row_of(codes, 1));
    EXPECT_EQ(part.mean()(0), 3.0F);
    part.add(size, row_of(codes, 0));
    EXPECT_EQ(part.mean()(0), 2.0F);
  }
}

TEST(SoftmaxPartial, EmptyPartsChangeNoBit) {
  const Matrix code{{0.1F, 0.2F}};
  SoftmaxPartial part(2), empty(2);
  part.add(0.7, row_of(code, 0));
  const SoftmaxPartial before = part;
  part.merge(empty);
  EXPECT_EQ(part.o(), before.o());
  EXPECT_EQ(part.l(), before.l());
  empty.merge(part);
  EXPECT_EQ(empty.o(), before.o());
  EXPECT_EQ(empty.m(), before.m());
  EXPECT_EQ(SoftmaxPartial(2).mean(), RowVector::Zero(2));
}

TEST(SoftmaxPartial, SurvivesTheJourneyToAnotherRank) {
  const Matrix code{{0.25F, -2.0F}};
  SoftmaxPartial part(2);
  part.add(-3.0, row_of(code, 0));
  const RowVector sent = part.o().cast<float>();
  const SoftmaxPartial received(part.m(), part.l(), row_of(sent, 0));
  EXPECT_EQ(received.mean(), part.mean());
  const std::vector<float> zeros(2, 0.0F);
  const SoftmaxPartial nothing(-std::numeric_limits<double>::infinity(), 0.0, zeros);
  EXPECT_EQ(nothing.mean(), RowVector::Zero(2));
}

TEST(SoftmaxPartial, RefusesPartsThatContradictThemselves) {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::vector<float> zeros(2, 0.0F), ones(2, 1.0F);
  const std::vector<float> bad{0.0F, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(SoftmaxPartial(0.0, 0.0, zeros), base::CommError);
  EXPECT_THROW(SoftmaxPartial(0.0, -1.0, ones), base::CommError);
  EXPECT_THROW(SoftmaxPartial(nan, 1.0, ones), base::CommError);
  EXPECT_THROW(SoftmaxPartial(0.0, nan, ones), base::CommError);
  EXPECT_THROW(SoftmaxPartial(infinity, 1.0, ones), base::CommError);
  EXPECT_THROW(SoftmaxPartial(-infinity, 1.0, ones), base::CommError);
  EXPECT_THROW(SoftmaxPartial(-infinity, 0.0, ones), base::CommError);
  EXPECT_THROW(SoftmaxPartial(0.0, 1.0, bad), base::CommError);
  EXPECT_THROW(SoftmaxPartial(0.0, 1.0, {}), base::CommError);
  EXPECT_THROW(SoftmaxPartial(Index{0}), base::ShapeError);
  SoftmaxPartial part(2);
  EXPECT_THROW(part.add(nan, ones), base::NumericalError);
  EXPECT_THROW(part.add(infinity, ones), base::NumericalError);
  EXPECT_THROW(part.add(0.0, std::span(ones).first(1)), base::ShapeError);
  EXPECT_THROW(part.merge(SoftmaxPartial(3)), base::ShapeError);
  EXPECT_EQ(part.l(), 0.0);
}

}  // namespace
}  // namespace larimar::linalg
