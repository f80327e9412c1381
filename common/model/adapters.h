#pragma once
// Low-rank updates of a language model's weights. LibTorch types.
#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "common/model/causal_tensors.h"
#include "common/model/checkpoint.h"

namespace larimar::model {

/// W becomes W + up down (Hu and others, arXiv 2106.09685, with scale 1).
struct LowRank {
  at::Tensor down;  // [rank, in]
  at::Tensor up;    // [out, rank]
};

/// By the name of the weight that they change.
using Adapters = std::map<std::string, LowRank>;

/// The weights of all layers' products, by name, with their shapes [out, in]: what gets adapters. For families that store them so.
[[nodiscard]] TensorShapes adapted_weights(const CausalConfig& config, const CausalNames& names);

/// What a checkpoint must hold for them: PREFIX NAME.down and .up. Local.
[[nodiscard]] TensorShapes adapter_tensors(const TensorShapes& weights, const std::string& prefix, std::uint64_t rank);

/// Reads them as float32. The tensors must be those of adapter_tensors(). Local; copies.
[[nodiscard]] Adapters read_adapters(const Checkpoint& checkpoint, const TensorShapes& weights,
                                     const std::string& prefix);

}  // namespace larimar::model
