#pragma once
// One network for all families of causal language models. LibTorch types.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "common/model/causal_config.h"
#include "common/model/causal_weights.h"
#include "common/model/checkpoint.h"
#include "common/model/kv_cache.h"
#include "common/model/rotary.h"

namespace larimar::model {

/// Owns its weights; holds on to the mapped files only for a token embedding that is not tied, whose rows lie there. Not thread-safe. Callers hold an
/// inference guard.
class CausalNetwork {
 public:
  /// Tensor names of the checkpoint begin with `prefix`; names in `extra` may stand beside them.
  /// `adapters`, if not null, change weights as they are read.
  /// Throws FormatError if tensors are missing, unknown or misshapen.
  CausalNetwork(std::shared_ptr<const Checkpoint> checkpoint, CausalConfig config, const std::string& prefix,
                const at::TensorOptions& options, const TensorShapes& extra = {}, const Adapters* adapters = nullptr);

  [[nodiscard]] const CausalConfig& config() const { return config_; }
  [[nodiscard]] const at::TensorOptions& options() const { return options_; }
  [[nodiscard]] KvCache make_cache() const;

  /// What columns to come are, and how they are turned.
  struct Input {
    at::Tensor tokens;           // [rows, new] int64 on the CPU; undefined beside embeddings
    at::Tensor embeddings = {};  // [rows, new, hidden] in place of those of tokens
    at::Tensor addend = {};      // [rows, 1, hidden] added to each, or undefined
    bool is_long = false;        // long-rope's frequencies for long texts
  };
  /// One pass over new columns behind those of the cache, which takes them up. Returns the last hidden states
  /// [rows, new, hidden] after the final norm.
  [[nodiscard]] at::Tensor hidden(const Input& input, KvCache& cache);
  /// Scores of the next token: states [n, hidden] to float32 [n, vocabulary], on the network's device.
  [[nodiscard]] at::Tensor logits(const at::Tensor& states) const;

 private:
  [[nodiscard]] at::Tensor embed(const at::Tensor& tokens) const;
  [[nodiscard]] at::Tensor normalize(const CausalNorm& norm, const at::Tensor& x) const;
  void add_mlp(const CausalLayer& layer, at::Tensor& x) const;
  /// Positions of new columns [1 or rows, new], on the network's device.
  [[nodiscard]] at::Tensor find_positions(const KvCache& cache, std::int64_t count) const;

  std::shared_ptr<const Checkpoint> checkpoint_;
  CausalConfig config_;
  at::TensorOptions options_;
  CausalNames names_;
  CausalWeights weights_;
  std::optional<RotaryTables> rotary_;
};

}  // namespace larimar::model
