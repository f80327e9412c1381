#include "common/model/causal_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/unit/model/causal_folder.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(CausalConfig, ReadsEveryFamily) {
  const CausalConfig gpt2 = read_causal_config(model_folder("gpt2"));
  EXPECT_EQ(gpt2.architecture, "gpt2");
  EXPECT_EQ(gpt2.vocabulary, 199U);
  EXPECT_EQ(gpt2.intermediate, 128U) << "n_inner is null: four times n_embd";
  EXPECT_EQ(gpt2.kv_heads, 4U);
  EXPECT_EQ(gpt2.activation, Activation::kGeluTanh);
  EXPECT_TRUE(gpt2.is_tied);
  EXPECT_FALSE(gpt2.rotary);
  const CausalConfig llama = read_causal_config(model_folder("llama_sharded"));
  EXPECT_EQ(llama.heads, 6U);
  EXPECT_EQ(llama.kv_heads, 2U);
  EXPECT_EQ(llama.head_size, 12U);
  EXPECT_FALSE(llama.is_tied);
  EXPECT_EQ(llama.rotary->scaling, RotaryScaling::kLlama3);
  EXPECT_EQ(llama.rotary->theta, 500);
  EXPECT_TRUE(read_causal_config(model_folder("llama_tied")).is_tied);
  EXPECT_EQ(read_causal_config(model_folder("mistral")).window, 11U);
  const CausalConfig phi3 = read_causal_config(model_folder("phi3"));
  EXPECT_EQ(phi3.long_after(), 32U);
  EXPECT_EQ(phi3.rotary->long_factors.size(), 4U);
  EXPECT_DOUBLE_EQ(phi3.rotary->attention_factor, std::sqrt(1 + std::log(5.0) / std::log(32.0)));
  const CausalConfig window = read_causal_config(model_folder("phi3_window"));
  EXPECT_EQ(window.window, 9U);
  EXPECT_EQ(window.rotary->size, 4U) << "half of a head's 8 components";
  EXPECT_EQ(window.long_after(), 0U);
}

TEST(CausalConfig, WhatIsAbsentHasTheDefaultOfItsFamily) {
  const CausalFolder mistral("mistral");
  mistral.remove_field("sliding_window");
  EXPECT_EQ(read_causal_config(mistral.path()).window, 4096U);
  mistral.change("sliding_window", nullptr);
  EXPECT_EQ(read_causal_config(mistral.path()).window, 0U) << "null switches the window off";
  const CausalFolder llama("llama_tied");
  for (const char* name : {"num_key_value_heads", "head_dim", "tie_word_embeddings", "rope_theta", "rms_norm_eps"})
    llama.remove_field(name);
  const CausalConfig config = read_causal_config(llama.path());
  EXPECT_EQ(config.kv_heads, 6U);
  EXPECT_EQ(config.head_size, 8U);
  EXPECT_FALSE(config.is_tied);
  EXPECT_EQ(config.rotary->theta, 10000);
}

TEST(CausalConfig, RotaryFieldsOfNewerFilesAndOldNames) {
  const CausalFolder folder("llama_tied");
  folder.remove_field("rope_theta");
  folder.change("rope_parameters", {{"rope_type", "linear"}, {"factor", 2.5}, {"rope_theta", 700.0}});
  const CausalConfig config = read_causal_config(folder.path());
  EXPECT_EQ(config.rotary->scaling, RotaryScaling::kLinear);
  EXPECT_EQ(config.rotary->factor, 2.5);
  EXPECT_EQ(config.rotary->theta, 700);
  const CausalFolder phi3("phi3");
  phi3.change("rope_scaling/type", "su");
  phi3.change("rope_scaling/attention_factor", 1.25);
  EXPECT_EQ(read_causal_config(phi3.path()).rotary->attention_factor, 1.25);
}

/// The text of the refusal after one field has changed.
std::string refusal(const std::string& model, const std::string& field, const nlohmann::json& value) {
  const CausalFolder folder(model);
  folder.change(field, value);
  return folder.refusal([&] { static_cast<void>(read_causal_config(folder.path())); });
}

TEST(CausalConfig, AnUnknownArchitectureIsAnsweredWithTheKnownOnes) {
  EXPECT_THAT(refusal("gpt2", "model_type", "mamba"),
              AllOf(HasSubstr("config.json"), HasSubstr("\"mamba\""), HasSubstr("gpt2, llama, mistral, phi3")));
  EXPECT_THAT(refusal("gpt2", "model_type", 7), HasSubstr("model_type"));
}

TEST(CausalConfig, SizesOfTheWrongKindOrRangeAreNamed) {
  for (const std::string field : {"vocab_size", "n_embd", "n_layer", "n_head", "n_positions"}) {
    for (const nlohmann::json& value : {nlohmann::json(), nlohmann::json("8"), nlohmann::json(0), nlohmann::json(-3),
                                        nlohmann::json(2.5), nlohmann::json(std::uint64_t{1} << 40)})
      EXPECT_THAT(refusal("gpt2", field, value), AllOf(HasSubstr("config.json"), HasSubstr(field)));
  }
  for (const std::string field : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                                  "intermediate_size", "max_position_embeddings"}) {
    EXPECT_THAT(refusal("llama_tied", field, nullptr), HasSubstr(field));
    EXPECT_THAT(refusal("llama_tied", field, std::uint64_t{1} << 40), HasSubstr(field));
  }
  EXPECT_THAT(refusal("gpt2", "n_head", 5), HasSubstr("a divisor of n_embd"));
  EXPECT_THAT(refusal("llama_tied", "num_key_value_heads", 4), HasSubstr("num_key_value_heads"));
  EXPECT_THAT(refusal("llama_tied", "head_dim", 7), HasSubstr("head_dim"));
  EXPECT_THAT(refusal("llama_tied", "rms_norm_eps", -1), HasSubstr("rms_norm_eps"));
  EXPECT_THAT(refusal("llama_tied", "rope_theta", "big"), HasSubstr("rope_theta"));
  EXPECT_THAT(refusal("llama_tied", "tie_word_embeddings", 1), HasSubstr("tie_word_embeddings"));
  EXPECT_THAT(refusal("mistral", "sliding_window", 0), HasSubstr("sliding_window"));
}

TEST(CausalConfig, WhatWouldChangeTheNumbersAndIsNotThereIsRefused) {
  EXPECT_THAT(refusal("gpt2", "scale_attn_weights", false), HasSubstr("scale_attn_weights"));
  EXPECT_THAT(refusal("gpt2", "scale_attn_by_inverse_layer_idx", true), HasSubstr("scale_attn_by_inverse_layer_idx"));
  EXPECT_THAT(refusal("gpt2", "reorder_and_upcast_attn", true), HasSubstr("not implemented"));
  EXPECT_THAT(refusal("gpt2", "add_cross_attention", true), HasSubstr("add_cross_attention"));
  EXPECT_THAT(refusal("gpt2", "activation_function", "mish"), HasSubstr("gelu_new"));
  EXPECT_THAT(refusal("llama_tied", "attention_bias", true), HasSubstr("attention_bias"));
  EXPECT_THAT(refusal("llama_tied", "mlp_bias", true), HasSubstr("mlp_bias"));
  EXPECT_THAT(refusal("llama_tied", "partial_rotary_factor", 0.5), HasSubstr("partial_rotary_factor"));
  EXPECT_THAT(refusal("llama_tied", "quantization_config", {{"bits", 4}}), HasSubstr("quantization_config"));
  EXPECT_THAT(refusal("phi3", "partial_rotary_factor", 0.1), HasSubstr("even number"));
}

TEST(CausalConfig, RotaryScalingsThatAreUnknownOrIncompleteAreRefused) {
  EXPECT_THAT(refusal("llama_tied", "rope_scaling", {{"rope_type", "yarn"}, {"factor", 2.0}}),
              AllOf(HasSubstr("rope_scaling.rope_type"), HasSubstr("default, linear, llama3, longrope")));
  EXPECT_THAT(refusal("llama_tied", "rope_scaling", {{"factor", 2.0}}), HasSubstr("rope_scaling.type"));
  EXPECT_THAT(refusal("llama_tied", "rope_scaling", 3), HasSubstr("rope_scaling"));
  EXPECT_THAT(refusal("llama_tied", "rope_scaling", {{"type", "linear"}, {"factor", 0.5}}), HasSubstr("factor"));
  EXPECT_THAT(refusal("llama_sharded", "rope_scaling/high_freq_factor", 0.5), HasSubstr("more than low_freq_factor"));
  EXPECT_THAT(refusal("llama_sharded", "rope_scaling/original_max_position_embeddings", nullptr),
              HasSubstr("original_max_position_embeddings"));
  EXPECT_THAT(refusal("phi3", "rope_scaling/long_factor", {1.0, 2.0}), HasSubstr("a list of 4 numbers"));
  EXPECT_THAT(refusal("phi3", "rope_scaling/short_factor", {1.0, 2.0, "x", 1.0}), HasSubstr("short_factor"));
  EXPECT_THAT(refusal("phi3", "rope_scaling/short_factor", {1.0, 2.0, 0.0, 1.0}), HasSubstr("short_factor"));
  EXPECT_THAT(refusal("phi3", "original_max_position_embeddings", 1), HasSubstr("at least 2"));
  EXPECT_THAT(refusal("phi3", "original_max_position_embeddings", nullptr), HasSubstr("original_max_position"));
}

TEST(CausalConfig, FilesThatAreNoObjectOrMissing) {
  const CausalFolder folder("gpt2");
  base::write_file(folder.path() / "config.json", "{\"model_type\": ");
  EXPECT_THROW(static_cast<void>(read_causal_config(folder.path())), base::FormatError);
  base::write_file(folder.path() / "config.json", "[]");
  EXPECT_THROW(static_cast<void>(read_causal_config(folder.path())), base::FormatError);
  std::filesystem::remove(folder.path() / "config.json");
  EXPECT_THROW(static_cast<void>(read_causal_config(folder.path())), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::model
