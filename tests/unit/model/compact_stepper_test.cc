// Position by position as all at once.
#include "common/model/compact_stepper.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/unit/model/compact_folder.h"

namespace larimar::model {
namespace {

using torch::Tensor;

double largest(const Tensor& tensor) { return tensor.abs().max().item<double>(); }

class CompactStepperTest : public testing::Test {
 protected:
  CompactStepperTest() {
    torch::manual_seed(5);
    codes_ = torch::randn({3, network_->decoder->config.code_size()});
    pieces_ = torch::randint(3, 40, {3, network_->decoder->config.positions}, torch::kInt64);
    whole_ = network_->decoder->logits(network_->decoder->hidden(pieces_, codes_, network_->decoder->inject(codes_)));
  }
  torch::NoGradGuard guard_;
  CompactNetwork network_ = tiny_network(4);
  CompactStepper stepper_{network_->decoder};
  Tensor codes_, pieces_, whole_;
};

TEST_F(CompactStepperTest, GivesTheScoresOfTheNetwork) {
  auto texts = stepper_.begin(codes_);
  for (std::int64_t at = 0; at < pieces_.size(1); ++at) {
    const Tensor scores = stepper_.step(texts, pieces_.select(1, at));
    EXPECT_LT(largest(scores - whole_.select(1, at)), 1e-4) << at;
    EXPECT_EQ(texts.position, at + 1);
  }
}

TEST_F(CompactStepperTest, GoesOnWithTheTextsThatAreKept) {
  auto texts = stepper_.begin(codes_);
  const Tensor kept = torch::tensor({2, 0}, torch::kInt64);
  for (std::int64_t at = 0; at < 6; ++at) static_cast<void>(stepper_.step(texts, pieces_.select(1, at)));
  CompactStepper::keep(texts, kept);
  const Tensor scores = stepper_.step(texts, pieces_.select(1, 6).index_select(0, kept));
  EXPECT_LT(largest(scores - whole_.select(1, 6).index_select(0, kept)), 1e-4);
}

TEST_F(CompactStepperTest, ATextDoesNotDependOnThoseBesideIt) {
  auto all = stepper_.begin(codes_);
  auto one = stepper_.begin(codes_.narrow(0, 1, 1));
  for (std::int64_t at = 0; at < 4; ++at) {
    const Tensor beside = stepper_.step(all, pieces_.select(1, at)),
                 alone = stepper_.step(one, pieces_.select(1, at).narrow(0, 1, 1));
    EXPECT_LT(largest(beside.narrow(0, 1, 1) - alone), 1e-5) << at;
  }
}

}  // namespace
}  // namespace larimar::model
