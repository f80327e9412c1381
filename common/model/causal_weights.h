#pragma once
// Weights of a causal language model as its network multiplies them. LibTorch types.
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "common/model/adapters.h"
#include "common/model/causal_config.h"
#include "common/model/causal_tensors.h"
#include "common/model/checkpoint.h"
#include "common/model/projection.h"

namespace larimar::model {

struct CausalNorm {
  at::Tensor weight;  // [width]
  at::Tensor bias;    // [width], or undefined
};

struct CausalLayer {
  CausalNorm attention_norm, mlp_norm;  // bias undefined: root mean square
  Projection query_key_value;           // one product in place of three
  Projection attention_out;
  Projection widen;  // gate above value, where the family has a gate
  Projection narrow;
};

struct CausalWeights {
  Projection head;       // [vocabulary, hidden]: output weights, and the token embedding if they are tied
  at::Tensor positions;  // [positions, hidden], or undefined
  CausalNorm final_norm;
  std::vector<CausalLayer> layers;
};

/// Reads tensors of a checkpoint into memory in one type and place. Each is held once: a mapped file is read from where
/// it lies. The checkpoint must live as long as the reader.
class TensorReader {
 public:
  /// `adapters`, if there are any, are added to the weights that stack() reads; they must live as long too.
  TensorReader(const Checkpoint& checkpoint, const at::TensorOptions& options, const Adapters* adapters = nullptr)
      : checkpoint_(checkpoint), options_(options), adapters_(adapters) {}

  [[nodiscard]] at::Tensor read(const std::string& name) const;
  /// Matrices above each other; each stored as [in, out] if `is_transposed`, returned as [out, in]. Where LibTorch will multiply it lies in
  /// memory as products read it fastest: transposed where out >= in.
  [[nodiscard]] at::Tensor stack(const std::vector<std::string>& names, bool is_transposed) const;

 private:
  /// A stored weight with its update.
  [[nodiscard]] at::Tensor adapted(const std::string& name) const;

  const Checkpoint& checkpoint_;
  at::TensorOptions options_;
  const Adapters* adapters_;
};

/// The tensors must be those of causal_tensors(). `prefix` as there. `adapters` may be null.
[[nodiscard]] CausalWeights read_causal_weights(const Checkpoint& checkpoint, const CausalConfig& config,
                                                const CausalNames& names, const std::string& prefix,
                                                const at::TensorOptions& options, const Adapters* adapters);

/// A stored tensor of F32, F16 or BF16 in place, without a copy where its bytes are aligned. Valid as long as they are;
/// must not be written to.
[[nodiscard]] at::Tensor borrow_tensor(const TensorView& view);

}  // namespace larimar::model
