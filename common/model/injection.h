#pragma once
// Codes to past positions of a language model. LibTorch types: included by common/model, decoder and train only.
#include <torch/nn.h>
#include <torch/types.h>

#include "common/model/compact_network.h"
#include "common/model/injection_config.h"

namespace larimar::model {

/// Groups of each code that hold text: up to the last latent whose RMS is above a half (a latent that holds text has 1, others 0,
/// whatever noise a read adds). codes [B, C] to [B] int64, at least 1. Local.
[[nodiscard]] torch::Tensor used_groups(const torch::Tensor& codes, const InjectionConfig& config);

/// A code becomes up to m = T positions that stand before a text: a latent gives the states of its group of T/m tokens at once, a few
/// bidirectional layers let them find out which pieces they were, and each position is the mean of the pieces' embeddings in the
/// language model's space, by their probabilities. So the language model reads a code as it reads words, and its own layers make the
/// keys and values of those positions.
/// Larimar (arXiv 2403.11901) makes one past position of each layer from a code by a product; here the code's order of latents is used,
/// and what pieces mean to the language model is taken from its own embedding at the start.
struct InjectionImpl : torch::nn::Module {
  explicit InjectionImpl(const InjectionConfig& config);

  /// codes [B, C], of which every one has `groups` groups in use, to scores of the piece at each position [B, L, pieces];
  /// L = groups * T / m.
  torch::Tensor scores(const torch::Tensor& codes, std::int64_t groups);
  /// Scores [.., pieces] to positions [.., hidden].
  torch::Tensor positions_of(const torch::Tensor& scores);

  InjectionConfig config;
  torch::nn::Linear from_latent{nullptr};
  torch::nn::Embedding positions{nullptr};
  torch::nn::ModuleList layers{nullptr};
  torch::nn::LayerNorm final_norm{nullptr};
  torch::nn::Embedding pieces{nullptr};     // [pieces, width]: what states are compared with
  torch::nn::Embedding embedding{nullptr};  // [pieces, hidden]: in the language model's space
};
TORCH_MODULE(Injection);

}  // namespace larimar::model
