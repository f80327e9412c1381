#include "common/model/projection.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "common/base/error.h"

namespace larimar::model {
namespace {

double largest(const at::Tensor& tensor) { return tensor.abs().max().item<double>(); }

class ProjectionTest : public testing::Test {
 protected:
  ProjectionTest() { at::manual_seed(3); }
  ~ProjectionTest() override { at::set_num_threads(1); }
  at::Tensor weight_ = at::randn({130, 60}), bias_ = at::randn({130});
};

TEST_F(ProjectionTest, IsLibTorchsProductForAnyNumberOfRowsAndThreads) {
  const Projection layer(weight_, bias_), without(weight_, {});
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    for (const std::int64_t rows : {1, 2, 7, 64, 65, 600}) {
      const at::Tensor x = at::randn({rows, 60});
      EXPECT_LT(largest(layer(x) - at::linear(x, weight_, bias_)), 1e-4) << rows << " rows, " << threads << " threads";
      EXPECT_LT(largest(without(x) - at::linear(x, weight_)), 1e-4);
    }
  }
}

TEST_F(ProjectionTest, TakesAnyShapeAndRowsThatLieApart) {
  const Projection layer(weight_, bias_);
  const at::Tensor x = at::randn({3, 5, 80}).narrow(2, 10, 60);
  const at::Tensor y = layer(x);
  EXPECT_EQ(y.sizes().vec(), (std::vector<std::int64_t>{3, 5, 130}));
  EXPECT_LT(largest(y - at::linear(x, weight_, bias_)), 1e-4);
  EXPECT_TRUE(at::equal(y.view({15, 130}), layer(x.contiguous().view({15, 60})))) << "a view of other dimensions";
}

TEST_F(ProjectionTest, GivesRowsOfItsWeights) {
  const Projection layer(weight_, bias_);
  const at::Tensor outputs = at::tensor({129, 0, 31, 0}, at::kLong);
  EXPECT_TRUE(at::equal(layer.weights_of(outputs), at::index_select(weight_, 0, outputs)));
  EXPECT_THROW(static_cast<void>(layer.weights_of(at::tensor({130}, at::kLong))), base::ShapeError);
  EXPECT_THROW(static_cast<void>(layer.weights_of(at::tensor({-1}, at::kLong))), base::ShapeError);
}

TEST_F(ProjectionTest, OtherTypesAreLibTorchs) {
  const at::Tensor half = weight_.to(at::kBFloat16);
  EXPECT_FALSE(is_laid_out(half.options()));
  EXPECT_TRUE(is_laid_out(weight_.options()));
  const Projection layer(half, bias_.to(at::kBFloat16));
  const at::Tensor x = at::randn({4, 60}).to(at::kBFloat16);
  EXPECT_TRUE(at::equal(layer(x), at::linear(x, half, bias_.to(at::kBFloat16))));
  EXPECT_TRUE(at::equal(layer.weights_of(at::tensor({7}, at::kLong)), half.narrow(0, 7, 1)));
}

TEST_F(ProjectionTest, CopiesShareTheirWeights) {
  const Projection layer(weight_, bias_),
      copy = layer;  // NOLINT(performance-unnecessary-copy-initialization): what is tested
  const at::Tensor x = at::randn({2, 60});
  EXPECT_TRUE(at::equal(layer(x), copy(x)));
  EXPECT_FALSE(Projection().defined());
}

}  // namespace
}  // namespace larimar::model
