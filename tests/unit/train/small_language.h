#pragma once
// A tiny Llama with the tokenizer of larimar-compact, whose marks are those of a chat, and a tiny larimar-compact. LibTorch types.
#include <torch/torch.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/file.h"
#include "common/model/causal_tensors.h"
#include "common/model/compact_weights.h"
#include "common/model/torch_bridge.h"
#include "tests/unit/train/small_run.h"

namespace larimar::train::test {

inline void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

/// Writes folder/language, random but large enough that every weight counts, and folder/codes; returns a run for them.
inline TrainOptions small_injection_run(const std::filesystem::path& folder, std::int64_t steps) {
  TrainOptions options = small_run(folder, steps);
  options.injection.language = folder / "language";
  options.injection.codes = folder / "codes";
  options.injection.reading_steps = 4;
  options.injection.language_tokens = 64;
  options.injection.sizes.width = 16;
  options.injection.sizes.heads = 2;
  options.injection.sizes.layers = 1;
  options.injection.sizes.rank = 3;
  options.injection.sizes.codes_of = "larimar-compact 12";
  options.injection.sizes.language_hash = "language 34";
  base::make_folder(options.injection.language);
  base::make_folder(options.injection.codes);

  std::string tokenizer = base::read_file(tokenizer_file());
  base::write_file(options.injection.codes / "tokenizer.json", tokenizer);
  replace_all(tokenizer, "\"<s>\"", "\"<|im_start|>\"");
  replace_all(tokenizer, "\"</s>\"", "\"<|im_end|>\"");
  base::write_file(options.injection.language / "tokenizer.json", tokenizer);
  const nlohmann::json config = {
      {"model_type", "llama"},      {"vocab_size", 8192},       {"hidden_size", 24},    {"num_hidden_layers", 2},
      {"num_attention_heads", 4},   {"num_key_value_heads", 2}, {"head_dim", 6},        {"max_position_embeddings", 96},
      {"intermediate_size", 40},    {"hidden_act", "silu"},     {"rms_norm_eps", 1e-5}, {"rope_theta", 10000.0},
      {"tie_word_embeddings", true}};
  base::write_file(options.injection.language / "config.json", config.dump());
  const model::CausalConfig causal = model::read_causal_config(options.injection.language);
  torch::manual_seed(5);
  std::map<std::string, torch::Tensor> tensors;
  std::map<std::string, model::TensorView> views;
  const model::Checkpoint other(tokenizer_file().parent_path().parent_path().parent_path() /
                                "tests/data/models/llama_tied");
  const model::CausalNames names = model::causal_names(causal, other, "");
  for (const auto& [name, shape] : model::causal_tensors(causal, names, "")) {
    const std::vector<std::int64_t> sizes(shape.shape.begin(), shape.shape.end());
    // The embedding is the output too: small rows could not tell 8,192 pieces apart, whatever is learnt.
    const double size = name.ends_with("embed_tokens.weight") ? 1.0 : 0.2;
    tensors[name] = sizes.size() == 1 ? 1 + 0.1 * torch::randn(sizes) : size * torch::randn(sizes);
    views[name] = model::to_view(tensors[name]);
  }
  model::write_safetensors(options.injection.language / "model.safetensors", views, {});

  model::CompactNetwork codes(options.sizes);
  model::save_weights(*codes, options.injection.codes / "model.safetensors", model::StoredPrecision::kFloat32, {});
  base::write_file(options.injection.codes / "config.json", model::to_json(options.sizes).dump());
  model::take_codes_of(options.injection.sizes, options.sizes);
  options.tokenizer = options.injection.codes / "tokenizer.json";
  return options;
}

}  // namespace larimar::train::test
