#include "common/model/injected_gpt2.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "tests/unit/model/causal_folder.h"
#include "tests/unit/model/causal_golden.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using Tokens = std::vector<text::TokenId>;

const Golden& golden() {
  static const Golden file("injected_gpt2");
  return file;
}

InjectedGpt2 load(const std::filesystem::path& folder, std::uint64_t code_size = 24) {
  return {std::make_shared<const Checkpoint>(folder),
          read_injected_gpt2_config(JsonFields(folder / "config.json"), code_size),
          "decoder.",
          {}};
}

TEST(InjectedGpt2, LogitsOfEveryWayToPutACodeIn) {
  struct Way {
    std::string name;
    bool past, embedding;
  };
  const linalg::Matrix codes = golden().matrix("codes");
  const auto texts = golden().rows("texts", "");
  for (const Way& way : {Way{"both", true, true}, Way{"past", true, false}, Way{"embedding", false, true}}) {
    const CausalFolder folder("injected_gpt2");
    folder.change("latent_as_gpt_memory", way.past);
    folder.change("latent_as_gpt_emb", way.embedding);
    InjectedGpt2 decoder = load(folder.path());
    const linalg::Matrix expected = golden().matrix("logits_" + way.name);
    float worst = 0;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto row = static_cast<linalg::Index>(i), length = static_cast<linalg::Index>(texts[i].size());
      const linalg::Matrix rows = expected.middleRows(row * length, length);
      worst = std::max(worst, largest_difference(decoder.logits(codes.row(row), texts[i]), rows));
    }
    std::printf("%s: largest difference of logits %.2g\n", way.name.c_str(), static_cast<double>(worst));
    EXPECT_LE(worst, 1e-4F) << way.name;
  }
}

TEST(InjectedGpt2, DecodesEveryCodeWhateverTheBatch) {
  InjectedGpt2 decoder = load(model_folder("injected_gpt2"));
  EXPECT_EQ(decoder.code_size(), 24);
  EXPECT_EQ(decoder.vocabulary(), 199);
  EXPECT_EQ(decoder.positions(), 63U);
  const auto special = golden().tokens("special");
  for (const std::size_t batch : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
    EXPECT_EQ(decoder.decode(golden().matrix("codes"),
                             {.bos = special[0], .eos = special[1], .max_new_tokens = 40, .batch = batch}),
              golden().rows("decoded", "decoded_lengths"))
        << "batch " << batch;
  }
  EXPECT_TRUE(decoder.decode(linalg::Matrix(0, 24), {.max_new_tokens = 8}).empty());
}

TEST(InjectedGpt2, WrongInputIsNamed) {
  InjectedGpt2 decoder = load(model_folder("injected_gpt2"));
  const linalg::Matrix code = linalg::Matrix::Zero(1, 24);
  const linalg::Matrix narrow = linalg::Matrix::Zero(1, 23);
  EXPECT_THAT([&] { static_cast<void>(decoder.decode(narrow, {.max_new_tokens = 8})); },
              ThrowsMessage<base::ShapeError>(HasSubstr("codes of 23 numbers; the decoder takes 24")));
  EXPECT_THAT([&] { static_cast<void>(decoder.decode(code, {.bos = 1, .eos = 199, .max_new_tokens = 8})); },
              ThrowsMessage<base::ShapeError>(HasSubstr("token 199")));
  EXPECT_THAT([&] { static_cast<void>(decoder.decode(code, {.bos = -1, .eos = 2, .max_new_tokens = 8})); },
              ThrowsMessage<base::ShapeError>(HasSubstr("token -1")));
  EXPECT_THAT([&] { static_cast<void>(decoder.decode(code, {.bos = 1, .eos = 2, .max_new_tokens = 63})); },
              ThrowsMessage<base::ShapeError>(HasSubstr("room for 62")));
  EXPECT_THROW(static_cast<void>(decoder.decode(code, {.bos = 1, .eos = 2, .max_new_tokens = 8, .batch = 0})),
               base::ConfigError);
  EXPECT_THROW(static_cast<void>(decoder.logits(code, Tokens{})), base::ShapeError);
  EXPECT_THROW(static_cast<void>(decoder.logits(code, Tokens(64, 1))), base::ShapeError);
  EXPECT_THROW(static_cast<void>(decoder.logits(code, Tokens{199})), base::ShapeError);
  EXPECT_THROW(static_cast<void>(decoder.logits(linalg::Matrix::Zero(2, 24), Tokens{1})), base::ShapeError);
}

TEST(InjectedGpt2, ConfigsThatCannotWorkAreNamed) {
  const auto refusal = [](const std::string& field, const nlohmann::json& value) {
    const CausalFolder folder("injected_gpt2");
    folder.change(field, value);
    return folder.refusal([&] { static_cast<void>(load(folder.path())); });
  };
  EXPECT_THAT(refusal("latent_size", 25), HasSubstr("latent_size"));
  EXPECT_THAT(refusal("latent_as_gpt_emb", "yes"), HasSubstr("latent_as_gpt_emb"));
  const CausalFolder wide("injected_gpt2");
  wide.change("latent_size", nullptr);
  EXPECT_THAT(wide.refusal([&] { static_cast<void>(load(wide.path(), 25)); }),
              AllOf(HasSubstr("decoder.transformer.linear.weight: expected F32 [96, 25]"),
                    HasSubstr("linear_emb.weight: expected F32 [32, 25], found F32 [32, 24]")));
  const CausalFolder folder("injected_gpt2");
  folder.change("latent_as_gpt_emb", false);
  folder.change("latent_as_gpt_memory", false);
  EXPECT_THAT(folder.refusal([&] { static_cast<void>(load(folder.path())); }), HasSubstr("no effect"));
  const CausalFolder llama("llama_tied");
  llama.change("latent_size", 24);
  EXPECT_THAT(llama.refusal([&] { static_cast<void>(load(llama.path())); }),
              HasSubstr("the decoder that takes a code"));
}

TEST(InjectedGpt2, TensorsOfTheInjectionMustBeThereWhereTheyAreUsed) {
  CausalFolder folder("injected_gpt2");
  folder.erase("decoder.transformer.linear.weight");
  folder.save();
  EXPECT_THAT(folder.refusal([&] { static_cast<void>(load(folder.path())); }),
              HasSubstr("decoder.transformer.linear.weight: expected F32, F16 or BF16 [96, 24], missing"));
  folder.change("latent_as_gpt_memory", false);
  EXPECT_EQ(load(folder.path()).positions(), 64U);
}

}  // namespace
}  // namespace larimar::model
