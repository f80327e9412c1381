#include "common/model/causal_weights.h"

#include <ATen/ATen.h>

#include "common/base/checked.h"
#include "common/base/error.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

CausalNorm read_norm(const TensorReader& reader, const std::string& name, bool has_bias) {
  return {reader.read(name + ".weight"), has_bias ? reader.read(name + ".bias") : at::Tensor()};
}

Projection read_projection(const TensorReader& reader, const std::string& layer, const std::vector<std::string>& parts,
                           const CausalNames& names) {
  std::vector<std::string> weights;
  for (const std::string& part : parts) weights.push_back(layer + part + ".weight");
  return {reader.stack(weights, names.is_transposed),
          names.has_bias ? reader.read(layer + parts.front() + ".bias") : at::Tensor()};
}

}  // namespace

at::Tensor borrow_tensor(const TensorView& view) {
  const at::ScalarType type = view.dtype == "F32" ? at::kFloat : view.dtype == "F16" ? at::kHalf : at::kBFloat16;
  if (reinterpret_cast<std::uintptr_t>(view.bytes.data()) % at::elementSize(type) != 0) return to_tensor(view);
  std::vector<std::int64_t> shape;
  for (const std::uint64_t extent : view.shape)
    shape.push_back(base::checked_cast<std::int64_t>(extent, "a tensor's extent"));
  return at::from_blob(const_cast<std::byte*>(view.bytes.data()), shape, at::TensorOptions().dtype(type));
}

at::Tensor TensorReader::read(const std::string& name) const {
  return borrow_tensor(checkpoint_.at(name)).to(options_, /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor TensorReader::adapted(const std::string& name) const {
  at::Tensor weight = borrow_tensor(checkpoint_.at(name));
  if (adapters_ == nullptr) return weight;
  const auto found = adapters_->find(name);
  if (found == adapters_->end()) return weight;
  return at::addmm(weight.to(at::kFloat), found->second.up, found->second.down);
}

at::Tensor TensorReader::stack(const std::vector<std::string>& names, bool is_transposed) const {
  std::vector<at::Tensor> parts;
  std::int64_t rows = 0;
  for (const std::string& name : names) {
    const at::Tensor part = adapted(name);
    parts.push_back(is_transposed ? part.t() : part);
    rows += parts.back().size(0);
  }
  const std::int64_t columns = parts.front().size(1);
  // LibTorch's product with one position is a sum of rows of [in, out], faster than dot products with rows of [out, in] wherever the
  // output is the wider side; with many positions both are equal.
  const bool transposed = !is_laid_out(options_) && rows >= columns;
  at::Tensor whole = transposed ? at::empty({columns, rows}, options_).t() : at::empty({rows, columns}, options_);
  std::int64_t row = 0;
  for (const at::Tensor& part : parts) {
    whole.narrow(0, row, part.size(0)).copy_(part);
    row += part.size(0);
  }
  return whole;
}

CausalWeights read_causal_weights(const Checkpoint& checkpoint, const CausalConfig& config, const CausalNames& names,
                                  const std::string& prefix, const at::TensorOptions& options,
                                  const Adapters* adapters) {
  const TensorReader reader(checkpoint, options, adapters);
  CausalWeights weights;
  weights.head = {
      reader.stack({config.is_tied ? names.base + names.tokens + ".weight" : prefix + "lm_head.weight"}, false), {}};
  if (!names.positions.empty()) weights.positions = reader.read(names.base + names.positions + ".weight");
  weights.final_norm = read_norm(reader, names.base + names.final_norm, names.has_bias);
  for (std::uint64_t i = 0; i < config.layers; ++i) {
    const std::string layer = names.layer(i);
    weights.layers.push_back({.attention_norm = read_norm(reader, layer + names.attention_norm, names.has_bias),
                              .mlp_norm = read_norm(reader, layer + names.mlp_norm, names.has_bias),
                              .query_key_value = read_projection(reader, layer, names.query_key_value, names),
                              .attention_out = read_projection(reader, layer, {names.attention_out}, names),
                              .widen = read_projection(reader, layer, names.widen, names),
                              .narrow = read_projection(reader, layer, {names.narrow}, names)});
  }
  return weights;
}

}  // namespace larimar::model
