// Encoders, decoders and a language model on a CUDA device give what they give on the CPU.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/model/compact.h"
#include "common/model/language_model.h"
#include "common/model/minilm.h"
#include "common/model/torch_bridge.h"
#include "decoder/compact_decoder.h"
#include "tests/gpu/on_a_gpu.h"

namespace larimar::test {
namespace {

using Networks = OnAGpu;
using Tokens = std::vector<text::TokenId>;
constexpr float kCodeTolerance = 1e-3F;  // of components around 1; sums of a few hundred products in another order

std::vector<Tokens> some_segments() {
  const auto tokenizer = text::load_tokenizer(in_source("models/larimar-compact/tokenizer.json"));
  std::vector<Tokens> segments;
  for (int i = 0; i < 150; ++i) {  // more than one batch
    segments.push_back(tokenizer->encode("The number of the house by the river is " + std::to_string(10'000 + 37 * i) +
                                         (i % 3 == 0 ? "." : ", and nobody lives there.")));
  }
  return segments;
}

TEST_F(Networks, TheSameSegmentsBecomeTheSameWords) {
  const auto folder = in_source("models/larimar-compact");
  const auto segments = some_segments();
  const linalg::Matrix codes = model::load_compact_encoder(folder)->encode(segments);
  const auto on_cpu = decoder::load_compact_decoder(folder, "cpu")->decode(codes);
  EXPECT_EQ(on_cpu.front(), segments.front());
  EXPECT_EQ(decoder::load_compact_decoder(folder, kGpu)->decode(codes), on_cpu);
}

TEST_F(Networks, CodesArriveFromPinnedMemory) {
  const linalg::Matrix codes = linalg::Matrix::Random(300, 768);
  for (int i = 0; i < 20; ++i)  // the memory of one copy is used again by the next
    EXPECT_EQ(model::to_matrix(model::to_device(codes.topRows(300 - i), at::Device(kGpu))), codes.topRows(300 - i));
}

TEST_F(Networks, CodesAreTheSameButForRounding) {
  const auto folder = in_source("models/larimar-compact");
  const auto segments = some_segments();
  const linalg::Matrix on_cpu = model::load_compact_encoder(folder)->encode(segments);
  const linalg::Matrix codes = model::load_compact_encoder(folder, model::Arithmetic::kFloat, kGpu)->encode(segments);
  EXPECT_LT((codes - on_cpu).cwiseAbs().maxCoeff(), kCodeTolerance);
  EXPECT_EQ(decoder::load_compact_decoder(folder, kGpu)->decode(codes),
            decoder::load_compact_decoder(folder, "cpu")->decode(on_cpu));
  EXPECT_THROW((void)model::load_compact_encoder(folder, model::Arithmetic::kInteger, kGpu), base::ConfigError);
}

TEST_F(Networks, KeysAreTheSameButForRounding) {
  const char* deps = std::getenv("LARIMAR_DEPS");
  const std::filesystem::path folder = std::filesystem::path(deps != nullptr ? deps : in_source(".deps")) / "minilm";
  if (!std::filesystem::is_regular_file(folder / "model.safetensors"))
    GTEST_SKIP() << "LARIMAR SKIPPED: the MiniLM folder is not installed";
  const std::vector<std::string> texts{"A dog sleeps.", "The last boat leaves at half past six in the evening.", ""};
  const linalg::Matrix on_cpu = model::load_minilm(folder)->encode(texts);
  EXPECT_LT((model::load_minilm(folder, {.device = kGpu})->encode(texts) - on_cpu).cwiseAbs().maxCoeff(), 1e-4F);
}

TEST_F(Networks, ALanguageModelGoesOnWithTheSameTokens) {
  const auto folder = in_source("tests/data/models/llama_tied");
  const std::vector<Tokens> prompts{{1, 2, 3, 4}, {7, 8, 9, 10, 11, 12}, {5}};
  const model::GenerationOptions options{.max_new_tokens = 12};
  const auto cpu = model::load_language_model(folder, {});
  const auto gpu = model::load_language_model(folder, {.device = kGpu, .dtype = "float32"});
  EXPECT_EQ(gpu->generate(prompts, options), cpu->generate(prompts, options));
  const auto expected = cpu->mean_log_probability(prompts, prompts),
             found = gpu->mean_log_probability(prompts, prompts);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-4);
}

}  // namespace
}  // namespace larimar::test
