#pragma once
// A language model whose weights stay while low-rank updates of them are learnt. LibTorch types.
#include <torch/nn.h>
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/model/adapters.h"
#include "common/model/causal_config.h"
#include "common/model/causal_tensors.h"
#include "common/model/checkpoint.h"
#include "common/model/rotary.h"

namespace larimar::train {

/// A Llama as model::CausalNetwork computes it, differentiable in its input and in the adapters, which are the parameters of this module;
/// weights are constants. Owns both. Not thread-safe.
class AdaptedNetwork : public torch::nn::Module {
 public:
  /// Weights are held in `type`. Adapters begin as updates of nothing: down is random, up is zero.
  /// Throws ConfigError for another family, FormatError as CausalNetwork.
  AdaptedNetwork(const std::filesystem::path& folder, std::int64_t rank, const torch::TensorOptions& options);

  [[nodiscard]] const model::CausalConfig& config() const { return config_; }
  /// Embeddings of tokens [..] int64: [.., hidden]. Constants.
  [[nodiscard]] torch::Tensor embed(const torch::Tensor& tokens) const;
  /// Embeddings [rows, columns, hidden] to the last hidden states, each column seeing those before it. Not adapted: those of the
  /// language model as it was.
  [[nodiscard]] torch::Tensor hidden(torch::Tensor x, bool adapted = true);
  /// States [n, hidden] to scores of the next token [n, vocabulary].
  [[nodiscard]] torch::Tensor logits(const torch::Tensor& states) const;
  /// As they stand, sharing the parameters' storage.
  [[nodiscard]] model::Adapters adapters() const;

 private:
  struct Product {
    torch::Tensor weight, down, up;
  };
  [[nodiscard]] torch::Tensor multiply(const std::string& name, const torch::Tensor& x, bool adapted) const;
  [[nodiscard]] torch::Tensor norm(const std::string& name, const torch::Tensor& x) const;
  [[nodiscard]] torch::Tensor attend(const std::string& layer, const torch::Tensor& x,
                                     const model::RotaryAngles& angles, bool adapted) const;

  model::CausalConfig config_;
  model::CausalNames names_;
  model::RotaryTables rotary_;
  torch::Tensor tokens_, head_;  // [vocabulary, hidden]
  std::map<std::string, torch::Tensor> norms_;
  std::map<std::string, Product> products_;
};

}  // namespace larimar::train
