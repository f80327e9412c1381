#pragma once
// How the families name and lay out their tensors.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/model/causal_config.h"
#include "common/model/checkpoint.h"
#include "common/model/safetensors_check.h"

namespace larimar::model {

/// Names of one family's tensors. Parts that a network multiplies at once are listed in their order.
struct CausalNames {
  std::string base;    // before all but the output weights: "model." or "transformer."
  std::string layers;  // "layers." or "h."
  std::string tokens, positions, final_norm;
  std::string attention_norm, attention_out, mlp_norm, narrow;
  std::vector<std::string> query_key_value, widen;
  bool is_transposed = false;  // matrices lie as [in, out]
  bool has_bias = false;       // and norms are LayerNorm
  bool is_gated = true;        // the MLP's first product is gate and value

  /// "model.layers.3."
  [[nodiscard]] std::string layer(std::uint64_t index) const { return base + layers + std::to_string(index) + "."; }
};

/// `prefix` stands before every name of the checkpoint, for example "decoder.". GPT-2's own files leave out
/// "transformer.", which is found out from the checkpoint.
[[nodiscard]] CausalNames causal_names(const CausalConfig& config, const Checkpoint& checkpoint,
                                       const std::string& prefix);

/// What such a network needs. Without "lm_head.weight" if the output weights are tied.
[[nodiscard]] TensorShapes causal_tensors(const CausalConfig& config, const CausalNames& names,
                                          const std::string& prefix);

/// The tensors whose names begin with `prefix` must be those of `expected`, in F32, F16 or BF16. Buffers that old
/// files carry along (attention masks, rotary frequencies) and output weights beside tied ones are passed over.
/// Throws FormatError that names the file and lists at once all tensors that are missing, unknown or misshapen, with
/// the expected and the found shape.
void require_causal_tensors(const Checkpoint& checkpoint, const TensorShapes& expected, const std::string& prefix);

}  // namespace larimar::model
