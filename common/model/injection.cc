#include "common/model/injection.h"

#include <torch/torch.h>

namespace larimar::model {
namespace {

using torch::Tensor;

constexpr double kUsed = 0.5;  // RMS of a latent

CompactConfig layer_sizes(const InjectionConfig& config) {
  CompactConfig sizes;
  sizes.width = config.width;
  sizes.heads = config.heads;
  return sizes;
}

}  // namespace

Tensor used_groups(const Tensor& codes, const InjectionConfig& config) {
  const Tensor size = codes.view({codes.size(0), config.latents, config.latent_size}).pow(2).mean(-1);
  const Tensor number = torch::arange(1, config.latents + 1, codes.options().dtype(torch::kInt64));
  return (size.gt(kUsed * kUsed) * number).amax(1).clamp_min(1);
}

InjectionImpl::InjectionImpl(const InjectionConfig& sizes) : config(sizes) {
  const std::int64_t d = config.width;
  from_latent = register_module("from_latent", torch::nn::Linear(config.latent_size, config.group() * d));
  positions = register_module("positions", torch::nn::Embedding(config.positions, d));
  layers = register_module("layers", torch::nn::ModuleList());
  for (std::int64_t i = 0; i < config.layers; ++i) layers->push_back(Layer(layer_sizes(config)));
  final_norm = register_module("final_norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({d})));
  pieces = register_module("pieces", torch::nn::Embedding(config.pieces, d));
  embedding = register_module("embedding", torch::nn::Embedding(config.pieces, config.hidden));
  torch::NoGradGuard guard;
  for (auto& parameter : named_parameters()) {
    if (parameter.value().dim() == 2)
      parameter.value().normal_(0.0, 0.02);
    else if (parameter.key().ends_with("bias"))
      parameter.value().zero_();
  }
}

Tensor InjectionImpl::scores(const Tensor& codes, std::int64_t groups) {
  const std::int64_t batch = codes.size(0), length = groups * config.group();
  const Tensor latents = codes.view({batch, config.latents, config.latent_size}).narrow(1, 0, groups);
  Tensor x = from_latent(latents).view({batch, length, config.width}) + positions->weight.slice(0, 0, length);
  for (const auto& layer : *layers) x = layer->as<Layer>()->forward(x, {}, nullptr);
  return torch::matmul(final_norm(x), pieces->weight.t());
}

Tensor InjectionImpl::positions_of(const Tensor& scores) {
  return torch::matmul(torch::softmax(scores.to(torch::kFloat32), -1), embedding->weight);
}

}  // namespace larimar::model
