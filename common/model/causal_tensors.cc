#include "common/model/causal_tensors.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/error.h"

namespace larimar::model {
namespace {

CausalNames gpt2_names() {
  return {.base = "transformer.",
          .layers = "h.",
          .tokens = "wte",
          .positions = "wpe",
          .final_norm = "ln_f",
          .attention_norm = "ln_1",
          .attention_out = "attn.c_proj",
          .mlp_norm = "ln_2",
          .narrow = "mlp.c_proj",
          .query_key_value = {"attn.c_attn"},
          .widen = {"mlp.c_fc"},
          .is_transposed = true,
          .has_bias = true,
          .is_gated = false};
}

CausalNames llama_names(bool is_fused) {
  CausalNames names{.base = "model.",
                    .layers = "layers.",
                    .tokens = "embed_tokens",
                    .positions = "",
                    .final_norm = "norm",
                    .attention_norm = "input_layernorm",
                    .attention_out = "self_attn.o_proj",
                    .mlp_norm = "post_attention_layernorm",
                    .narrow = "mlp.down_proj",
                    .query_key_value = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"},
                    .widen = {"mlp.gate_proj", "mlp.up_proj"}};
  if (is_fused) {
    names.query_key_value = {"self_attn.qkv_proj"};
    names.widen = {"mlp.gate_up_proj"};
  }
  return names;
}

/// Adds tensors in the layout of a family.
class ShapeList {
 public:
  explicit ShapeList(const CausalNames& names) : names_(names) {}

  void table(const std::string& name, std::uint64_t rows, std::uint64_t columns) {
    shapes_[name + ".weight"] = {"FLOAT", {rows, columns}};
  }
  void norm(const std::string& name, std::uint64_t size) {
    shapes_[name + ".weight"] = {"FLOAT", {size}};
    if (names_.has_bias) shapes_[name + ".bias"] = {"FLOAT", {size}};
  }
  void affine(const std::string& name, std::uint64_t out, std::uint64_t in) {
    table(name, names_.is_transposed ? in : out, names_.is_transposed ? out : in);
    if (names_.has_bias) shapes_[name + ".bias"] = {"FLOAT", {out}};
  }
  /// One product of several parts; a fused family stores them as one.
  void affine(const std::string& prefix, const std::vector<std::string>& parts, const std::vector<std::uint64_t>& outs,
              std::uint64_t in) {
    if (parts.size() == outs.size()) {
      for (std::size_t i = 0; i < parts.size(); ++i) affine(prefix + parts[i], outs[i], in);
    } else {
      std::uint64_t sum = 0;
      for (const std::uint64_t out : outs) sum += out;
      affine(prefix + parts.front(), sum, in);
    }
  }
  [[nodiscard]] const TensorShapes& shapes() const { return shapes_; }

 private:
  const CausalNames& names_;
  TensorShapes shapes_;
};

bool is_passed_over(std::string_view name) {
  constexpr std::array<std::string_view, 4> kBuffers{".attn.bias", ".attn.masked_bias", "rotary_emb.inv_freq",
                                                     "lm_head.weight"};
  return std::any_of(kBuffers.begin(), kBuffers.end(), [&](std::string_view end) { return name.ends_with(end); });
}

bool is_floating(const std::string& dtype) { return dtype == "F32" || dtype == "F16" || dtype == "BF16"; }

}  // namespace

CausalNames causal_names(const CausalConfig& config, const Checkpoint& checkpoint, const std::string& prefix) {
  CausalNames names = config.architecture == "gpt2" ? gpt2_names() : llama_names(config.architecture == "phi3");
  const bool is_bare = config.architecture == "gpt2" && checkpoint.has(prefix + "wte.weight");
  names.base = prefix + (is_bare ? "" : names.base);
  return names;
}

TensorShapes causal_tensors(const CausalConfig& config, const CausalNames& names, const std::string& prefix) {
  ShapeList list(names);
  list.table(names.base + names.tokens, config.vocabulary, config.hidden);
  if (!names.positions.empty()) list.table(names.base + names.positions, config.positions, config.hidden);
  const std::uint64_t queries = config.heads * config.head_size, keys = config.kv_heads * config.head_size;
  const std::uint64_t wide = config.intermediate;
  for (std::uint64_t i = 0; i < config.layers; ++i) {
    const std::string layer = names.layer(i);
    list.norm(layer + names.attention_norm, config.hidden);
    list.affine(layer, names.query_key_value, {queries, keys, keys}, config.hidden);
    list.affine(layer + names.attention_out, config.hidden, queries);
    list.norm(layer + names.mlp_norm, config.hidden);
    list.affine(layer, names.widen,
                names.is_gated ? std::vector<std::uint64_t>{wide, wide} : std::vector<std::uint64_t>{wide},
                config.hidden);
    list.affine(layer + names.narrow, config.hidden, wide);
  }
  list.norm(names.base + names.final_norm, config.hidden);
  if (!config.is_tied) list.table(prefix + "lm_head", config.vocabulary, config.hidden);
  return list.shapes();
}

void require_causal_tensors(const Checkpoint& checkpoint, const TensorShapes& expected, const std::string& prefix) {
  std::string faults;
  for (const auto& [name, wanted] : expected) {
    const auto found = checkpoint.tensors().find(name);
    const bool is_there = found != checkpoint.tensors().end();
    if (is_there && found->second.shape == wanted.shape && is_floating(found->second.dtype)) continue;
    const bool is_typed = is_there && is_floating(found->second.dtype);
    faults +=
        "\n  " + name + ": expected " + to_string({is_typed ? found->second.dtype : "F32, F16 or BF16", wanted.shape});
    faults += is_there ? ", found " + to_string({found->second.dtype, found->second.shape}) : ", missing";
  }
  for (const auto& [name, view] : checkpoint.tensors()) {
    if (!name.starts_with(prefix) || expected.contains(name) || is_passed_over(name)) continue;
    faults += "\n  " + name + ": unknown to this architecture, found " + to_string({view.dtype, view.shape});
  }
  if (!faults.empty())
    throw base::FormatError(checkpoint.source().string() + " does not fit its config.json:" + faults);
}

}  // namespace larimar::model
