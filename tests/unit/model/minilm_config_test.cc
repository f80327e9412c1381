#include "common/model/minilm_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/base/error.h"
#include "tests/unit/model/minilm_folder.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(MiniLmConfig, ReadsSizesAndLimits) {
  const MiniLmFolder folder;
  const MiniLmConfig config = read_minilm_config(folder.path());
  EXPECT_EQ(config.vocabulary, 10U);
  EXPECT_EQ(config.hidden, 8U);
  EXPECT_EQ(config.layers, 2U);
  EXPECT_EQ(config.max_tokens, 6U);
  EXPECT_EQ(bert_tensors(config, "", false).size(), 5U + 2U * 16U);
  EXPECT_EQ(bert_tensors(config, "", false).at("encoder.layer.1.output.dense.weight").shape,
            (std::vector<std::uint64_t>{8, 12}));
}

TEST(MiniLmConfig, WithoutTheSentenceFileThePositionsAreTheLimit) {
  const MiniLmFolder folder;
  std::filesystem::remove(folder.path() / "sentence_bert_config.json");
  std::filesystem::remove(folder.path() / "1_Pooling/config.json");
  EXPECT_EQ(read_minilm_config(folder.path()).max_tokens, 16U);
}

/// The text of the FormatError after one field of one file is changed.
std::string refusal(const std::string& file, const std::string& field, const nlohmann::json& value) {
  const MiniLmFolder folder;
  folder.change(file, "/" + field, value);
  try {
    static_cast<void>(read_minilm_config(folder.path()));
  } catch (const base::FormatError& error) {
    return error.what();
  }
  return {};
}

TEST(MiniLmConfig, FieldsThatDoNotFitAreNamed) {
  for (const std::string field :
       {"model_type", "hidden_act", "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
        "intermediate_size", "max_position_embeddings", "type_vocab_size", "layer_norm_eps"}) {
    EXPECT_THAT(refusal("config.json", field, nullptr), AllOf(HasSubstr("config.json"), HasSubstr(field)));
    EXPECT_THAT(refusal("config.json", field, {1, 2}), HasSubstr(field));
  }
  EXPECT_THAT(refusal("config.json", "hidden_size", 0), HasSubstr("hidden_size"));
  EXPECT_THAT(refusal("config.json", "hidden_size", -8), HasSubstr("hidden_size"));
  EXPECT_THAT(refusal("config.json", "hidden_size", std::uint64_t{1} << 40), HasSubstr("hidden_size"));
  EXPECT_THAT(refusal("config.json", "num_attention_heads", 3), HasSubstr("multiple of num_attention_heads"));
  EXPECT_THAT(refusal("config.json", "num_hidden_layers", 1'000'000), HasSubstr("num_hidden_layers"));
  EXPECT_THAT(refusal("config.json", "layer_norm_eps", -1.0), HasSubstr("layer_norm_eps"));
  EXPECT_THAT(refusal("config.json", "hidden_act", "relu"), HasSubstr("needs \"gelu\""));
  EXPECT_THAT(refusal("config.json", "model_type", "gpt2"), HasSubstr("needs \"bert\""));
  EXPECT_THAT(refusal("config.json", "position_embedding_type", "relative_key"), HasSubstr("position_embedding_type"));
  EXPECT_THAT(refusal("sentence_bert_config.json", "max_seq_length", 17), HasSubstr("max_seq_length"));
  EXPECT_THAT(refusal("sentence_bert_config.json", "max_seq_length", 2), HasSubstr("3 tokens"));
  EXPECT_THAT(refusal("1_Pooling/config.json", "pooling_mode_cls_token", true), HasSubstr("pooling_mode_cls_token"));
  EXPECT_THAT(refusal("1_Pooling/config.json", "pooling_mode_mean_tokens", false),
              HasSubstr("pooling_mode_mean_tokens"));
}

TEST(MiniLmConfig, FilesThatAreNoJsonOrMissing) {
  const MiniLmFolder folder;
  base::write_file(folder.path() / "config.json", "{\"model_type\": ");
  EXPECT_THROW(static_cast<void>(read_minilm_config(folder.path())), base::FormatError);
  base::write_file(folder.path() / "config.json", "[]");
  EXPECT_THROW(static_cast<void>(read_minilm_config(folder.path())), base::FormatError);
  std::filesystem::remove(folder.path() / "config.json");
  EXPECT_THROW(static_cast<void>(read_minilm_config(folder.path())), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::model
