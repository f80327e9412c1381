#include "common/model/causal_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/unit/model/causal_folder.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void check(const CausalFolder& folder, const std::string& prefix = "") {
  const Checkpoint checkpoint(folder.path());
  const CausalConfig config = read_causal_config(folder.path());
  const CausalNames names = causal_names(config, checkpoint, prefix);
  require_causal_tensors(checkpoint, causal_tensors(config, names, prefix), prefix);
}

TEST(CausalTensors, EveryFamilyFindsItsOwn) {
  for (const std::string name : {"gpt2", "llama_tied", "llama_sharded", "mistral", "phi3", "phi3_window"})
    EXPECT_NO_THROW(check(CausalFolder(name))) << name;
}

TEST(CausalTensors, Gpt2FilesWithoutThePrefixOfTheirNames) {
  CausalFolder folder("gpt2");
  const auto names = folder.tensors();
  for (const auto& [name, view] : names) folder.rename(name, name.substr(std::string("transformer.").size()));
  folder.save();
  EXPECT_NO_THROW(check(folder));
}

TEST(CausalTensors, BuffersOfOldFilesArePassedOver) {
  CausalFolder folder("gpt2");
  const std::vector<std::uint8_t> mask(4, 1);
  folder.tensors()["transformer.h.0.attn.bias"] = {"U8", {1, 1, 2, 2}, std::as_bytes(std::span(mask))};
  folder.tensors()["lm_head.weight"] = folder.tensor("transformer.wte.weight");
  folder.save();
  EXPECT_NO_THROW(check(folder));
}

TEST(CausalTensors, MissingUnknownAndMisshapenOnesAreListedTogether) {
  CausalFolder folder("llama_tied");
  folder.erase("model.norm.weight");
  folder.rename("model.layers.1.mlp.up_proj.weight", "model.layers.1.mlp.upp_proj.weight");
  folder.tensor("model.layers.0.self_attn.k_proj.weight").shape = {48, 16};
  folder.tensor("model.layers.0.mlp.down_proj.weight").dtype = "I32";
  folder.save();
  EXPECT_THAT(folder.refusal([&] { check(folder); }),
              AllOf(HasSubstr("model.safetensors does not fit its config.json"),
                    HasSubstr("model.norm.weight: expected F32, F16 or BF16 [48], missing"),
                    HasSubstr("model.layers.1.mlp.up_proj.weight: expected F32, F16 or BF16 [80, 48], missing"),
                    HasSubstr("model.layers.1.mlp.upp_proj.weight: unknown to this architecture, found F32 [80, 48]"),
                    HasSubstr("model.layers.0.self_attn.k_proj.weight: expected F32 [16, 48], found F32 [48, 16]"),
                    HasSubstr("down_proj.weight: expected F32, F16 or BF16 [48, 80], found I32 [48, 80]")));
}

TEST(CausalTensors, AConfigOfOtherSizesDoesNotFit) {
  const CausalFolder layers("phi3");
  layers.change("num_hidden_layers", 3);
  EXPECT_THAT(layers.refusal([&] { check(layers); }),
              AllOf(HasSubstr("model.layers.2.self_attn.qkv_proj.weight"), Not(HasSubstr("model.layers.1."))));
  layers.change("num_hidden_layers", 1);
  EXPECT_THAT(layers.refusal([&] { check(layers); }), HasSubstr("model.layers.1.mlp.gate_up_proj.weight: unknown"));
  const CausalFolder tied("llama_tied");
  tied.change("tie_word_embeddings", false);
  EXPECT_THAT(tied.refusal([&] { check(tied); }),
              HasSubstr("lm_head.weight: expected F32, F16 or BF16 [199, 48], missing"));
  const CausalFolder wide("gpt2");
  wide.change("n_inner", 100);
  EXPECT_THAT(wide.refusal([&] { check(wide); }),
              AllOf(HasSubstr("mlp.c_fc.weight: expected F32 [32, 100], found F32 [32, 128]"),
                    HasSubstr("mlp.c_fc.bias: expected F32 [100], found F32 [128]")));
}

TEST(CausalTensors, OnlyNamesWithThePrefixCount) {
  const CausalFolder folder("injected_gpt2");
  EXPECT_THAT(folder.refusal([&] { check(folder, "decoder."); }),
              HasSubstr("decoder.transformer.linear.weight: unknown to this architecture"));
  EXPECT_THAT(folder.refusal([&] { check(folder, "other."); }), HasSubstr("other.transformer.wte.weight"));
}

}  // namespace
}  // namespace larimar::model
