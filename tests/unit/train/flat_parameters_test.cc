#include "train/flat_parameters.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

namespace larimar::train {
namespace {

torch::nn::Sequential small_network(std::uint64_t seed) {
  torch::manual_seed(seed);
  return torch::nn::Sequential(torch::nn::Linear(6, 5), torch::nn::Tanh(), torch::nn::Linear(5, 2));
}

torch::Tensor loss_of(torch::nn::Sequential& network, int step) {
  const torch::Tensor input = torch::sin(torch::arange(24).to(torch::kFloat32) * (step + 1)).view({4, 6});
  return (network->forward(input) - 0.5).pow(2).sum() * (step == 2 ? 50.0 : 0.2);  // one gradient is clipped
}

TEST(FlatParameters, AreTheModulesOwnMemory) {
  auto network = small_network(1);
  const torch::Tensor before = network->parameters()[0].clone();
  FlatParameters flat(*network);
  EXPECT_EQ(flat.values().numel(), 6 * 5 + 5 + 5 * 2 + 2);
  EXPECT_TRUE(torch::equal(network->parameters()[0], before));
  flat.values().zero_();
  for (const auto& parameter : network->parameters()) EXPECT_EQ(parameter.abs().sum().item<float>(), 0.0F);
  loss_of(network, 0).backward();
  EXPECT_GT(flat.gradients().abs().sum().item<float>(), 0.0F);
  EXPECT_TRUE(torch::equal(network->parameters()[3].grad(), flat.gradients().slice(0, 45, 47)));
}

class AdamWKinds : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Fused, AdamWKinds, testing::Bool());

TEST_P(AdamWKinds, TakesTheStepsOfTheReference) {
  auto network = small_network(2), reference = small_network(2);
  FlatParameters flat(*network);
  AdamW optimiser;
  optimiser.start(flat.values());
  EXPECT_FALSE(optimiser.fused) << "on a processor the bits are those of the plain steps";
  optimiser.fused = GetParam();
  torch::optim::AdamW other(reference->parameters(), torch::optim::AdamWOptions(0.01)
                                                         .betas({optimiser.beta1, optimiser.beta2})
                                                         .eps(optimiser.epsilon)
                                                         .weight_decay(optimiser.weight_decay));
  for (int step = 0; step < 8; ++step) {
    loss_of(network, step).backward();
    const double norm = optimiser.step(flat, 0.01);
    other.zero_grad();
    loss_of(reference, step).backward();
    const double expected = torch::nn::utils::clip_grad_norm_(reference->parameters(), optimiser.clip);
    EXPECT_NEAR(norm, expected, 1e-4 * expected);
    EXPECT_EQ(norm > optimiser.clip, expected > optimiser.clip);
    other.step();
    EXPECT_EQ(flat.gradients().abs().sum().item<float>(), 0.0F);
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_TRUE(torch::allclose(network->parameters()[i], reference->parameters()[i], 1e-4, 1e-6)) << step;
  }
}

TEST(AdamW, TheAverageFollowsTheWeights) {
  auto network = small_network(3);
  FlatParameters flat(*network);
  AdamW optimiser;
  optimiser.start(flat.values());
  torch::Tensor expected = flat.values().clone();
  for (int step = 0; step < 5; ++step) {
    loss_of(network, step).backward();
    (void)optimiser.step(flat, 0.05);
    const double decay = std::min(0.999, (2.0 + step) / (11.0 + step));
    expected = expected * decay + flat.values() * (1.0 - decay);
  }
  EXPECT_TRUE(torch::allclose(optimiser.average, expected, 1e-5, 1e-6));
}

}  // namespace
}  // namespace larimar::train
