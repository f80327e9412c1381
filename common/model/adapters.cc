#include "common/model/adapters.h"

#include <ATen/ATen.h>

#include "common/model/causal_weights.h"

namespace larimar::model {

TensorShapes adapted_weights(const CausalConfig& config, const CausalNames& names) {
  TensorShapes weights;
  for (const auto& [name, shape] : causal_tensors(config, names, "")) {
    if (name.starts_with(names.base + names.layers) && shape.shape.size() == 2) weights[name] = shape;
  }
  return weights;
}

TensorShapes adapter_tensors(const TensorShapes& weights, const std::string& prefix, std::uint64_t rank) {
  TensorShapes tensors;
  for (const auto& [name, shape] : weights) {
    tensors[prefix + name + ".down"] = {"FLOAT", {rank, shape.shape[1]}};
    tensors[prefix + name + ".up"] = {"FLOAT", {shape.shape[0], rank}};
  }
  return tensors;
}

Adapters read_adapters(const Checkpoint& checkpoint, const TensorShapes& weights, const std::string& prefix) {
  const TensorReader reader(checkpoint, at::TensorOptions().dtype(at::kFloat));
  Adapters adapters;
  for (const auto& [name, shape] : weights)
    adapters[name] = {reader.read(prefix + name + ".down"), reader.read(prefix + name + ".up")};
  return adapters;
}

}  // namespace larimar::model
