// A training step on a CUDA device, and NCCL itself with one rank.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "common/comm/in_process_transport.h"
#include "common/model/safetensors.h"
#include "decoder/injected_decoder.h"
#include "tests/gpu/on_a_gpu.h"
#include "tests/unit/train/small_language.h"
#include "train/device_group.h"
#include "train/flat_parameters.h"

namespace larimar::test {
namespace {

using Training = OnAGpu;
using comm::NcclType;

std::vector<float> weights_after(const std::string& device, std::int64_t steps) {
  const train::test::TemporaryFolder folder;
  train::test::write_texts(folder);
  train::TrainOptions options = train::test::small_run(folder.path(), steps);
  options.device = device;
  train::train_model(options, [](const std::string&) {});
  const model::SafetensorsFile file(options.out / "checkpoint.safetensors");
  const auto bytes = file.at("values").bytes;
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

TEST_F(Training, AStepIsThatOfTheCpuButForRounding) {
  const std::vector<float> expected = weights_after("cpu", 1), found = weights_after(kGpu, 1);
  ASSERT_EQ(found.size(), expected.size());
  // A step of AdamW is the gradient's sign where the gradient is small, so a weight may move either way by the learning rate.
  std::size_t apart = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], expected[i], 0.01);
    apart += std::abs(found[i] - expected[i]) > 1e-4F ? 1U : 0U;
  }
  EXPECT_LT(apart, found.size() / 100);
}

TEST_F(Training, ALanguageModelLearnsToReadCodesThereAndReadsThemOnBoth) {
  const train::test::TemporaryFolder folder;
  train::test::write_texts(folder);
  train::TrainOptions options = train::test::small_injection_run(folder.path(), 8);
  options.device = kGpu;
  options.precision = train::Precision::kBFloat16;
  train::train_model(options, [](const std::string&) {});
  const linalg::Matrix codes = linalg::Matrix::Random(5, 32) * 2;
  const auto read_on = [&](const std::string& device) {
    return decoder::load_injected_decoder(options.out / "model", options.injection.language, {.device = device})
        ->decode(codes);
  };
  EXPECT_EQ(read_on(kGpu), read_on("cpu"));
}

TEST_F(Training, TheOptimiserIsTheFusedOne) {
  train::AdamW optimiser;
  optimiser.start(torch::zeros({4}, torch::Device(kGpu)));
  EXPECT_TRUE(optimiser.fused);
}

TEST_F(Training, OneRankIsAGroupOfNccl) {
  const auto transport = comm::make_single_transport();
  train::TrainOptions options;
  options.device = kGpu;
  const auto group = train::join_devices(*transport, options);
  ASSERT_NE(group, nullptr);
  const torch::Tensor values =
      torch::arange(1000, torch::TensorOptions().device(torch::Device(kGpu)).dtype(torch::kFloat32));
  torch::Tensor sum = values * 2, all = torch::zeros_like(values);
  group->all_reduce(sum.mutable_data_ptr(), 1000, NcclType::kFloat32);
  group->broadcast(sum.mutable_data_ptr(), 1000, NcclType::kFloat32, 0);
  group->all_gather(values.const_data_ptr(), all.mutable_data_ptr(), 1000, NcclType::kFloat32);
  group->wait();
  EXPECT_TRUE(torch::equal(sum, values * 2));
  EXPECT_TRUE(torch::equal(all, values));
}

}  // namespace
}  // namespace larimar::test
