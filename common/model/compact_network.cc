#include "common/model/compact_network.h"

#include <torch/torch.h>

#include <cmath>

namespace larimar::model {
namespace {

using torch::Tensor;

torch::nn::LinearOptions without_bias(std::int64_t in, std::int64_t out) {
  return torch::nn::LinearOptions(in, out).bias(false);
}

void initialise(torch::nn::Module& module) {
  torch::NoGradGuard guard;
  for (auto& parameter : module.named_parameters()) {
    if (parameter.value().dim() == 2)
      parameter.value().normal_(0.0, 0.02);
    else if (parameter.key().ends_with("bias"))
      parameter.value().zero_();
  }
}

// Scores that may not be attended to get this; finite, so that a row of padding alone gives no NaN.
constexpr float kMasked = -1e9F;

Tensor causal_mask(std::int64_t length, std::int64_t past, const Tensor& like) {
  Tensor mask = torch::full({length, length}, kMasked, like.options()).triu(1);
  return torch::cat({torch::zeros({length, past}, like.options()), mask}, 1).unsqueeze(0).unsqueeze(0);
}

}  // namespace

LayerImpl::LayerImpl(const CompactConfig& config) : heads(config.heads) {
  const std::int64_t d = config.width;
  attention_norm = register_module("attention_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({d})));
  qkv = register_module("qkv", torch::nn::Linear(d, 3 * d));
  attention_out = register_module("attention_out", torch::nn::Linear(d, d));
  mlp_norm = register_module("mlp_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({d})));
  mlp_in = register_module("mlp_in", torch::nn::Linear(d, 4 * d));
  mlp_out = register_module("mlp_out", torch::nn::Linear(4 * d, d));
}

Tensor LayerImpl::forward(Tensor x, const Tensor& mask, const PastState* past) {
  const std::int64_t batch = x.size(0), length = x.size(1), width = x.size(2), size = width / heads;
  const Tensor parts = qkv(attention_norm(x)).view({batch, length, 3, heads, size}).permute({2, 0, 3, 1, 4});
  Tensor keys = parts[1], values = parts[2];
  if (past != nullptr) {
    keys = torch::cat({past->keys, keys}, 2);
    values = torch::cat({past->values, values}, 2);
  }
  Tensor scores = torch::matmul(parts[0], keys.transpose(-2, -1)) * (1.0 / std::sqrt(static_cast<double>(size)));
  if (mask.defined()) scores = scores + mask;
  const Tensor mixed = torch::matmul(torch::softmax(scores, -1), values);
  x = x + attention_out(mixed.transpose(1, 2).reshape({batch, length, width}));
  return x + mlp_out(torch::relu(mlp_in(mlp_norm(x))));
}

CompactEncoderImpl::CompactEncoderImpl(const CompactConfig& sizes) : config(sizes) {
  pieces = register_module("pieces", torch::nn::Embedding(config.vocabulary, config.width));
  positions = register_module("positions", torch::nn::Embedding(config.positions, config.width));
  layers = register_module("layers", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < config.encoder_layers; ++i) layers->push_back(Layer(config));
  final_norm = register_module("final_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.width})));
  to_latent =
      register_module("to_latent", torch::nn::Linear(without_bias(config.group() * config.width, config.latent_size)));
  initialise(*this);
}

Tensor CompactEncoderImpl::forward(const Tensor& tokens) {
  const std::int64_t batch = tokens.size(0), length = tokens.size(1), groups = length / config.group();
  const Tensor real = tokens.ne(config.pad_id);  // [B, L]
  Tensor x = pieces(tokens) + positions->weight.slice(0, 0, length);
  const Tensor mask = real.logical_not().to(x.dtype()).mul(kMasked).view({batch, 1, 1, length});
  for (const auto& layer : *layers) x = layer->as<Layer>()->forward(x, mask, nullptr);
  x = final_norm(x) * real.unsqueeze(-1);
  Tensor latents = to_latent(x.reshape({batch, groups, config.group() * config.width}));
  latents = latents * torch::rsqrt(latents.pow(2).mean(-1, true) + 1e-6);
  const Tensor used = real.view({batch, groups, config.group()}).any(-1, true);
  latents = latents * used;
  return torch::constant_pad_nd(latents, {0, 0, 0, config.latents - groups}).reshape({batch, config.code_size()});
}

CompactDecoderImpl::CompactDecoderImpl(const CompactConfig& sizes) : config(sizes) {
  pieces = register_module("pieces", torch::nn::Embedding(config.vocabulary, config.width));
  positions = register_module("positions", torch::nn::Embedding(config.positions, config.width));
  latent_to_embedding =
      register_module("latent_to_embedding", torch::nn::Linear(without_bias(config.latent_size, config.width)));
  latent_to_past = register_module("latent_to_past", torch::nn::ModuleList());
  layers = register_module("layers", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < config.decoder_layers; ++i) {
    latent_to_past->push_back(torch::nn::Linear(config.latent_size, 2 * config.width));
    layers->push_back(Layer(config));
  }
  final_norm = register_module("final_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({config.width})));
  initialise(*this);
}

std::vector<PastState> CompactDecoderImpl::inject(const Tensor& codes) {
  const std::int64_t batch = codes.size(0), size = config.width / config.heads;
  const Tensor latents = codes.view({batch, config.latents, config.latent_size});
  std::vector<PastState> past;
  for (const auto& projection : *latent_to_past) {
    const Tensor parts = projection->as<torch::nn::Linear>()
                             ->forward(latents)
                             .view({batch, config.latents, 2, config.heads, size})
                             .permute({2, 0, 3, 1, 4});
    past.push_back({parts[0], parts[1]});
  }
  return past;
}

Tensor CompactDecoderImpl::hidden(const Tensor& inputs, const Tensor& codes, const std::vector<PastState>& past) {
  const std::int64_t batch = inputs.size(0), length = inputs.size(1);
  const Tensor latents = codes.view({batch, config.latents, config.latent_size});
  const Tensor aligned = torch::arange(length, inputs.options()).floor_divide(config.group());
  Tensor x =
      pieces(inputs) + positions->weight.slice(0, 0, length) + latent_to_embedding(latents).index_select(1, aligned);
  const Tensor mask = causal_mask(length, past.front().keys.size(2), x);
  for (std::size_t i = 0; i < past.size(); ++i) x = layers[i]->as<Layer>()->forward(x, mask, &past[i]);
  return final_norm(x);
}

Tensor CompactDecoderImpl::logits(const Tensor& hidden_states) {
  return torch::matmul(hidden_states, pieces->weight.t());
}

Tensor CompactDecoderImpl::logits_among(const Tensor& hidden_states, const Tensor& candidates) {
  return torch::matmul(hidden_states, pieces->weight.index_select(0, candidates).t());
}

CompactNetworkImpl::CompactNetworkImpl(const CompactConfig& config) {
  encoder = register_module("encoder", CompactEncoder(config));
  decoder = register_module("decoder", CompactDecoder(config));
}

}  // namespace larimar::model
