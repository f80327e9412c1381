#include "common/model/causal_network.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/contracts.h"
#include "common/model/causal_attention.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

constexpr std::int64_t kMlpRows = 256;  // of one product in the MLP, whose inner width is several times the outer

void activate(Activation kind, at::Tensor& x) {
  switch (kind) {
    case Activation::kSilu:
      at::silu_(x);
      return;
    case Activation::kGelu:
      at::gelu_(x);
      return;
    case Activation::kGeluTanh:
      at::gelu_(x, "tanh");
      return;
    case Activation::kRelu:
      at::relu_(x);
      return;
  }
}

CausalNames checked_names(const Checkpoint& checkpoint, const CausalConfig& config, const std::string& prefix,
                          const TensorShapes& extra) {
  CausalNames names = causal_names(config, checkpoint, prefix);
  TensorShapes wanted = causal_tensors(config, names, prefix);
  wanted.insert(extra.begin(), extra.end());
  require_causal_tensors(checkpoint, wanted, prefix);
  return names;
}

}  // namespace

CausalNetwork::CausalNetwork(std::shared_ptr<const Checkpoint> checkpoint, CausalConfig config,
                             const std::string& prefix, const at::TensorOptions& options, const TensorShapes& extra,
                             const Adapters* adapters)
    : checkpoint_(std::move(checkpoint)),
      config_(std::move(config)),
      options_(options),
      names_(checked_names(*checkpoint_, config_, prefix, extra)) {
  const c10::InferenceMode inference;
  weights_ = read_causal_weights(*checkpoint_, config_, names_, prefix, options_, adapters);
  if (config_.rotary) rotary_.emplace(*config_.rotary, options_);
  if (config_.is_tied) checkpoint_.reset();
}

KvCache CausalNetwork::make_cache() const {
  return KvCache({.layers = static_cast<std::int64_t>(config_.layers),
                  .heads = static_cast<std::int64_t>(config_.kv_heads),
                  .head_size = static_cast<std::int64_t>(config_.head_size)},
                 options_);
}

at::Tensor CausalNetwork::embed(const at::Tensor& tokens) const {
  if (config_.is_tied) return weights_.head.weights_of(tokens.reshape({-1}));
  const at::Tensor table = borrow_tensor(checkpoint_->at(names_.base + names_.tokens + ".weight"));
  return at::index_select(table, 0, tokens.reshape({-1})).to(options_);
}

at::Tensor CausalNetwork::normalize(const CausalNorm& norm, const at::Tensor& x) const {
  if (norm.bias.defined()) return at::layer_norm(x, norm.weight.sizes(), norm.weight, norm.bias, config_.norm_epsilon);
  return at::rms_norm(x, norm.weight.sizes(), norm.weight, config_.norm_epsilon);
}

void CausalNetwork::add_mlp(const CausalLayer& layer, at::Tensor& x) const {
  const auto inner = static_cast<std::int64_t>(config_.intermediate);
  for (std::int64_t first = 0; first < x.size(0); first += kMlpRows) {
    at::Tensor rows = x.narrow(0, first, std::min(kMlpRows, x.size(0) - first));
    const at::Tensor wide = layer.widen(normalize(layer.mlp_norm, rows));
    at::Tensor gate = wide.narrow(1, 0, inner);
    activate(config_.activation, gate);
    if (names_.is_gated) gate.mul_(wide.narrow(1, inner, inner));
    rows.add_(layer.narrow(gate));
  }
}

at::Tensor CausalNetwork::find_positions(const KvCache& cache, std::int64_t count) const {
  const at::Tensor columns = at::arange(cache.columns(), cache.columns() + count, at::kLong).unsqueeze(0);
  if (!cache.has_padding()) return columns.to(options_.device());
  const at::Tensor padding = to_tensor(std::span(cache.padding())).unsqueeze(1);
  return (columns - padding).clamp_min(0).to(options_.device());
}

at::Tensor CausalNetwork::hidden(const Input& input, KvCache& cache) {
  const at::Tensor& columns = input.embeddings.defined() ? input.embeddings : input.tokens;
  const std::int64_t rows = columns.size(0), count = columns.size(1);
  const auto heads = static_cast<std::int64_t>(config_.heads), kv_heads = static_cast<std::int64_t>(config_.kv_heads);
  const auto size = static_cast<std::int64_t>(config_.head_size), width = static_cast<std::int64_t>(config_.hidden);
  LARIMAR_EXPECT(rows == cache.rows() && count > 0);
  cache.reserve(count);
  const std::int64_t end = cache.columns() + count;
  const at::Tensor positions = find_positions(cache, count);
  // Layers add to x in place, so embeddings that belong to the caller are copied.
  at::Tensor x = input.embeddings.defined() ? input.embeddings.reshape({rows * count, width}).to(options_, false, true)
                                            : embed(input.tokens);
  if (weights_.positions.defined()) x.view({rows, count, width}).add_(at::embedding(weights_.positions, positions));
  if (input.addend.defined()) x.view({rows, count, width}).add_(input.addend);
  const RotaryAngles angles = rotary_ ? rotary_->angles(positions, end, input.is_long) : RotaryAngles{};
  CausalAttention attend({.past = cache.columns(),
                          .tokens = count,
                          .window = static_cast<std::int64_t>(config_.window),
                          .padding = cache.padding()},
                         options_);
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(config_.layers); ++i) {
    const CausalLayer& layer = weights_.layers[static_cast<std::size_t>(i)];
    const at::Tensor parts =
        layer.query_key_value(normalize(layer.attention_norm, x)).view({rows, count, heads + 2 * kv_heads, size});
    const at::Tensor queries_keys = parts.narrow(2, 0, heads + kv_heads);
    const at::Tensor turned = rotary_ ? turn(queries_keys, angles) : queries_keys;
    cache.append(i, turned.narrow(2, heads, kv_heads), parts.narrow(2, heads + kv_heads, kv_heads));
    x.add_(layer.attention_out(attend(turned.narrow(2, 0, heads), cache.keys(i, end), cache.values(i, end))));
    add_mlp(layer, x);
  }
  cache.advance(count);
  return normalize(weights_.final_norm, x).view({rows, count, width});
}

at::Tensor CausalNetwork::logits(const at::Tensor& states) const {
  return weights_.head(states).to(at::kFloat).contiguous();
}

}  // namespace larimar::model
