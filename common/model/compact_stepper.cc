#include "common/model/compact_stepper.h"

#include <ATen/ATen.h>

namespace larimar::model {
namespace {

using at::Tensor;

Projection projection(const torch::nn::Linear& linear) {
  return {linear->weight.detach(), linear->bias.defined() ? linear->bias.detach() : Tensor()};
}

Tensor normalised(const torch::nn::LayerNorm& norm, const Tensor& x) {
  return at::layer_norm(x, norm->weight.sizes(), norm->weight, norm->bias, norm->options.eps());
}

/// [B, heads, m, size] in front of room for `more` positions.
Tensor with_room(const Tensor& first, std::int64_t more) {
  auto shape = first.sizes().vec();
  shape[2] += more;
  const Tensor whole = at::empty(shape, first.options());
  whole.narrow(2, 0, first.size(2)).copy_(first);
  return whole;
}

}  // namespace

CompactStepper::CompactStepper(const CompactDecoder& network)
    : network_(network),
      to_embedding_(projection(network->latent_to_embedding)),
      head_(network->pieces->weight.detach(), {}) {
  for (const auto& module : *network->layers) {
    const auto& layer = *module->as<Layer>();
    linears_.push_back(
        {projection(layer.qkv), projection(layer.attention_out), projection(layer.mlp_in), projection(layer.mlp_out)});
  }
}

CompactStepper::Texts CompactStepper::begin(const Tensor& codes) const {
  const CompactConfig& config = network_->config;
  Texts texts{codes.view({codes.size(0), config.latents, config.latent_size}), network_.ptr()->inject(codes)};
  for (PastState& layer : texts.past)
    layer = {with_room(layer.keys, config.positions), with_room(layer.values, config.positions)};
  return texts;
}

Tensor CompactStepper::attend(std::size_t layer, const Tensor& x, Texts& texts) const {
  const std::int64_t batch = x.size(0), heads = network_->config.heads, size = x.size(1) / heads;
  const std::int64_t at = network_->config.latents + texts.position;
  const Tensor parts = linears_[layer].qkv(x).view({batch, 3, heads, 1, size});
  const PastState& past = texts.past[layer];
  past.keys.narrow(2, at, 1).copy_(parts.select(1, 1));
  past.values.narrow(2, at, 1).copy_(parts.select(1, 2));
  return at::scaled_dot_product_attention(parts.select(1, 0), past.keys.narrow(2, 0, at + 1),
                                          past.values.narrow(2, 0, at + 1))
      .reshape({batch, heads * size});
}

Tensor CompactStepper::step(Texts& texts, const Tensor& pieces) const {
  Tensor x = at::index_select(network_->pieces->weight, 0, pieces);
  x.add_(network_->positions->weight[texts.position]);
  x.add_(to_embedding_(texts.codes.select(1, texts.position / network_->config.group())));
  for (std::size_t i = 0; i < linears_.size(); ++i) {
    const auto& layer = *network_->layers->ptr(i)->as<Layer>();
    x.add_(linears_[i].attention_out(attend(i, normalised(layer.attention_norm, x), texts)));
    x.add_(linears_[i].mlp_out(linears_[i].mlp_in(normalised(layer.mlp_norm, x)).relu_()));
  }
  ++texts.position;
  return head_(normalised(network_->final_norm, x));
}

void CompactStepper::keep(Texts& texts, const Tensor& rows) {
  texts.codes = texts.codes.index_select(0, rows);
  for (PastState& layer : texts.past) layer = {layer.keys.index_select(0, rows), layer.values.index_select(0, rows)};
}

}  // namespace larimar::model
