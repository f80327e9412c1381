#include "train/adapted_network.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/model/causal_weights.h"

namespace larimar::train {
namespace {

using torch::Tensor;

model::CausalConfig llama_config(const std::filesystem::path& folder) {
  model::CausalConfig config = model::read_causal_config(folder);
  if (config.architecture != "llama" || config.activation != model::Activation::kSilu || !config.rotary)
    throw base::ConfigError(folder.string() + " is no Llama; adapters are learnt for Llama models only");
  return config;
}

/// Names of modules must not hold dots.
std::string flat(std::string name) {
  std::ranges::replace(name, '.', '/');
  return name;
}

/// As model::turn(), which works in place.
Tensor turned(const Tensor& x, const model::RotaryAngles& angles) {
  const std::int64_t half = angles.cosine.size(3), rest = x.size(3) - 2 * half;
  const Tensor first = x.narrow(3, 0, half), second = x.narrow(3, half, half);
  return torch::cat({first * angles.cosine - second * angles.sine, second * angles.cosine + first * angles.sine,
                     x.narrow(3, 2 * half, rest)},
                    3);
}

}  // namespace

AdaptedNetwork::AdaptedNetwork(const std::filesystem::path& folder, std::int64_t rank,
                               const torch::TensorOptions& options)
    : config_(llama_config(folder)), rotary_(*config_.rotary, options) {
  const model::Checkpoint checkpoint(folder);
  names_ = model::causal_names(config_, checkpoint, "");
  model::require_causal_tensors(checkpoint, model::causal_tensors(config_, names_, ""), "");
  const model::TensorReader reader(checkpoint, options);
  tokens_ = reader.read(names_.base + names_.tokens + ".weight");
  head_ = config_.is_tied ? tokens_ : reader.read("lm_head.weight");
  norms_["final"] = reader.read(names_.base + names_.final_norm + ".weight");
  for (const auto& [name, shape] : model::causal_tensors(config_, names_, "")) {
    if (shape.shape.size() == 1) norms_[name] = reader.read(name);
  }
  for (const auto& [name, shape] : model::adapted_weights(config_, names_)) {
    Product& product = products_[name];
    product.weight = reader.read(name);
    const auto in = static_cast<std::int64_t>(shape.shape[1]), out = static_cast<std::int64_t>(shape.shape[0]);
    const auto own = torch::TensorOptions().device(options.device()).dtype(torch::kFloat32);
    product.down =
        register_parameter(flat(name + ".down"), torch::randn({rank, in}, own) / std::sqrt(static_cast<double>(in)));
    product.up = register_parameter(flat(name + ".up"), torch::zeros({out, rank}, own));
  }
}

Tensor AdaptedNetwork::embed(const Tensor& tokens) const { return torch::embedding(tokens_, tokens); }

Tensor AdaptedNetwork::multiply(const std::string& name, const Tensor& x, bool adapted) const {
  const Product& product = products_.at(name + ".weight");
  if (!adapted) return torch::linear(x, product.weight);
  const auto type = product.weight.scalar_type();
  return torch::linear(x, product.weight) + torch::linear(torch::linear(x, product.down.to(type)), product.up.to(type));
}

Tensor AdaptedNetwork::norm(const std::string& name, const Tensor& x) const {
  return torch::rms_norm(x, {x.size(-1)}, norms_.at(name), config_.norm_epsilon);
}

Tensor AdaptedNetwork::attend(const std::string& layer, const Tensor& x, const model::RotaryAngles& angles,
                              bool adapted) const {
  const std::int64_t rows = x.size(0), columns = x.size(1), size = static_cast<std::int64_t>(config_.head_size);
  const auto heads = static_cast<std::int64_t>(config_.heads), kv_heads = static_cast<std::int64_t>(config_.kv_heads);
  const auto part = [&](std::size_t which, std::int64_t count) {
    return multiply(layer + names_.query_key_value[which], x, adapted).view({rows, columns, count, size});
  };
  const auto shared = [&](const Tensor& y) { return y.transpose(1, 2).repeat_interleave(heads / kv_heads, 1); };
  const Tensor queries = turned(part(0, heads), angles).transpose(1, 2),
               keys = shared(turned(part(1, kv_heads), angles));
  const Tensor mixed =
      at::scaled_dot_product_attention(queries, keys, shared(part(2, kv_heads)), {}, 0.0, /*is_causal=*/true);
  return multiply(layer + names_.attention_out, mixed.transpose(1, 2).reshape({rows, columns, heads * size}), adapted);
}

Tensor AdaptedNetwork::hidden(Tensor x, bool adapted) {
  const Tensor positions = torch::arange(x.size(1), torch::kInt64).unsqueeze(0).to(x.device());
  const model::RotaryAngles angles = rotary_.angles(positions, x.size(1), false);
  for (std::uint64_t i = 0; i < config_.layers; ++i) {
    const std::string layer = names_.layer(i);
    x = x + attend(layer, norm(layer + names_.attention_norm + ".weight", x), angles, adapted);
    const Tensor normal = norm(layer + names_.mlp_norm + ".weight", x);
    const Tensor gate = torch::silu(multiply(layer + names_.widen[0], normal, adapted));
    x = x + multiply(layer + names_.narrow, gate * multiply(layer + names_.widen[1], normal, adapted), adapted);
  }
  return norm("final", x);
}

Tensor AdaptedNetwork::logits(const Tensor& states) const { return torch::linear(states, head_); }

model::Adapters AdaptedNetwork::adapters() const {
  model::Adapters adapters;
  for (const auto& [name, product] : products_) adapters[name] = {product.down, product.up};
  return adapters;
}

}  // namespace larimar::train
