#pragma once
// The networks of larimar-compact. LibTorch types: included by common/model, decoder and train only.
#include <torch/nn.h>
#include <torch/types.h>

#include <vector>

#include "common/model/compact_config.h"

namespace larimar::model {

/// Keys and values of one layer that later positions attend to, each [batch, heads, positions, width / heads].
struct PastState {
  torch::Tensor keys;
  torch::Tensor values;
};

/// One pre-norm transformer layer: attention over the input (and past positions before it), then a ReLU MLP of 4 d.
struct LayerImpl : torch::nn::Module {
  explicit LayerImpl(const CompactConfig& config);
  /// x [B, L, d]; mask [B or 1, 1, L, past + L] added to the scores, or undefined for none; past may be null.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& mask, const PastState* past);

  std::int64_t heads;
  torch::nn::LayerNorm attention_norm{nullptr}, mlp_norm{nullptr};
  torch::nn::Linear qkv{nullptr}, attention_out{nullptr}, mlp_in{nullptr}, mlp_out{nullptr};
};
TORCH_MODULE(Layer);

/// Tokens to codes. Bidirectional; the states of each group of T/m positions, side by side, are projected to one latent
/// of c floats and RMS-normalised; a group without tokens gives zeros. (Larimar, arXiv 2403.11901, has one pooled vector.)
struct CompactEncoderImpl : torch::nn::Module {
  explicit CompactEncoderImpl(const CompactConfig& config);
  /// tokens [B, L] int64, end-of-text included, padded with pad_id; L a multiple of the group size, at most T.
  /// Returns codes [B, C].
  torch::Tensor forward(const torch::Tensor& tokens);

  CompactConfig config;
  torch::nn::Embedding pieces{nullptr}, positions{nullptr};
  torch::nn::ModuleList layers{nullptr};
  torch::nn::LayerNorm final_norm{nullptr};
  torch::nn::Linear to_latent{nullptr};
};
TORCH_MODULE(CompactEncoder);

/// Codes to tokens. Causal; the code enters twice, as in Larimar's injected GPT-2: as m past positions in every layer,
/// and added to the embedding at position t, here through the latent floor(t m / T). Output weights are tied.
struct CompactDecoderImpl : torch::nn::Module {
  explicit CompactDecoderImpl(const CompactConfig& config);
  /// The m past positions of every layer, from codes [B, C].
  std::vector<PastState> inject(const torch::Tensor& codes);
  /// Hidden states [B, L, d] for inputs [B, L], the first L positions of each text; `past` comes from inject(). Decoding goes
  /// position by position and has its own form (common/model/compact_stepper.h).
  torch::Tensor hidden(const torch::Tensor& inputs, const torch::Tensor& codes, const std::vector<PastState>& past);
  /// Scores of the next piece [.., vocabulary] from hidden states [.., d].
  torch::Tensor logits(const torch::Tensor& hidden_states);
  /// The same for some pieces only: candidates [n] int64 to scores [.., n]. Training uses it.
  torch::Tensor logits_among(const torch::Tensor& hidden_states, const torch::Tensor& candidates);

  CompactConfig config;
  torch::nn::Embedding pieces{nullptr}, positions{nullptr};
  torch::nn::Linear latent_to_embedding{nullptr};
  torch::nn::ModuleList latent_to_past{nullptr}, layers{nullptr};
  torch::nn::LayerNorm final_norm{nullptr};
};
TORCH_MODULE(CompactDecoder);

/// Both halves, as they are trained and stored together.
struct CompactNetworkImpl : torch::nn::Module {
  explicit CompactNetworkImpl(const CompactConfig& config);
  CompactEncoder encoder{nullptr};
  CompactDecoder decoder{nullptr};
};
TORCH_MODULE(CompactNetwork);

}  // namespace larimar::model
