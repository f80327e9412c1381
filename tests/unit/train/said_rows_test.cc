// Rows of different lengths in one batch say what each says alone.
#include "train/said_rows.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "tests/unit/train/small_language.h"

namespace larimar::train {
namespace {

using torch::Tensor;

class SaidRows : public ::testing::Test {
 protected:
  SaidRows() : language_(test::small_injection_run(folder_.path(), 1).injection.language, 3, torch::TensorOptions()) {
    torch::NoGradGuard guard;
    for (auto& parameter : language_.parameters()) parameter.copy_(0.2 * torch::randn_like(parameter));
  }

  test::TemporaryFolder folder_;
  AdaptedNetwork language_;
};

TEST_F(SaidRows, EveryTokenIsForetoldByTheOneBeforeIt) {
  const torch::NoGradGuard guard;
  const Saying first{{11, 12, 13, 14}, 2}, second{{21, 22}, 1};
  const Tensor some = torch::randn({2, 24}), more = torch::randn({5, 24});
  const std::vector<SaidRow> rows{{{some}, &first}, {{some, more}, &second}};
  const SaidBatch batch = lay_out(language_, rows);
  EXPECT_EQ(batch.input.sizes(), (std::vector<std::int64_t>{2, 8, 24}));
  EXPECT_TRUE(torch::equal(batch.targets, torch::tensor({12, 13, 14, 22})));
  EXPECT_TRUE(torch::equal(batch.columns, torch::tensor({2, 3, 4, 8 + 7})));
  EXPECT_TRUE(torch::equal(batch.said, torch::tensor({false, true, true, true})));
  EXPECT_EQ(batch.row_ends, (std::vector<std::int64_t>{3, 4}));
  const auto alone = [&](const std::vector<Tensor>& parts, const Saying& saying) {
    std::vector<Tensor> all = parts;
    for (const auto id : saying.tokens) all.push_back(language_.embed(torch::tensor({std::int64_t{id}})));
    const Tensor states = language_.hidden(torch::cat(all).unsqueeze(0))[0];
    const auto length = static_cast<std::int64_t>(saying.tokens.size());
    return language_.logits(states.narrow(0, states.size(0) - length, length - 1));
  };
  const Tensor expected = torch::cat({alone({some}, first), alone({some, more}, second)});
  EXPECT_LT((scores_of(language_, batch) - expected).abs().max().item<float>(), 1e-4F);
  EXPECT_GT((scores_of(language_, batch, false) - expected).abs().max().item<float>(), 0.1F)
      << "adapters count for nothing";
}

}  // namespace
}  // namespace larimar::train
