#include "common/model/minilm_network.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <string>
#include <utility>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

struct Affine {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]
};

struct Layer {
  Affine query_key_value;  // [3 hidden, hidden]: one product in place of three
  Affine attention_out;
  Affine attention_norm;
  Affine widen;
  Affine narrow;
  Affine norm;
};

/// Sequences of one length lie side by side, so attention needs neither padding nor a mask.
struct Group {
  std::int64_t first = 0;   // row of its first token
  std::int64_t count = 0;   // sequences
  std::int64_t length = 0;  // tokens of each
};

Affine read_affine(const SafetensorsFile& file, const std::string& name) {
  return {to_tensor(file.at(name + ".weight")), to_tensor(file.at(name + ".bias"))};
}

Layer read_layer(const SafetensorsFile& file, const std::string& prefix) {
  const Affine query = read_affine(file, prefix + "attention.self.query");
  const Affine key = read_affine(file, prefix + "attention.self.key");
  const Affine value = read_affine(file, prefix + "attention.self.value");
  return {.query_key_value = {at::cat({query.weight, key.weight, value.weight}),
                              at::cat({query.bias, key.bias, value.bias})},
          .attention_out = read_affine(file, prefix + "attention.output.dense"),
          .attention_norm = read_affine(file, prefix + "attention.output.LayerNorm"),
          .widen = read_affine(file, prefix + "intermediate.dense"),
          .narrow = read_affine(file, prefix + "output.dense"),
          .norm = read_affine(file, prefix + "output.LayerNorm")};
}

std::vector<Group> find_groups(std::span<const std::vector<text::TokenId>> sequences) {
  std::vector<Group> groups;
  std::int64_t row = 0;
  for (const auto& sequence : sequences) {
    const auto length = static_cast<std::int64_t>(sequence.size());
    LARIMAR_EXPECT(length > 0 && (groups.empty() || groups.back().length <= length));
    if (groups.empty() || groups.back().length != length) groups.push_back({row, 0, length});
    ++groups.back().count;
    row += length;
  }
  return groups;
}

at::Tensor apply(const Affine& affine, const at::Tensor& input) {
  return at::linear(input, affine.weight, affine.bias);
}

at::Tensor normalize(const Affine& norm, const at::Tensor& input, double epsilon) {
  return at::layer_norm(input, norm.weight.sizes(), norm.weight, norm.bias, epsilon);
}

/// projected [tokens, 3 hidden] to [tokens, hidden].
at::Tensor attend(const at::Tensor& projected, const std::vector<Group>& groups, std::int64_t heads) {
  const std::int64_t hidden = projected.size(1) / 3;
  at::Tensor attended = at::empty({projected.size(0), hidden}, projected.options());
  for (const Group& group : groups) {
    const at::Tensor parts = projected.narrow(0, group.first, group.count * group.length)
                                 .view({group.count, group.length, 3, heads, hidden / heads})
                                 .permute({2, 0, 3, 1, 4});  // [3, count, heads, length, size]
    const at::Tensor mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
    attended.narrow(0, group.first, group.count * group.length)
        .view({group.count, group.length, heads, hidden / heads})
        .copy_(mixed.transpose(1, 2));
  }
  return attended;
}

}  // namespace

struct MiniLmNetwork::Weights {
  at::Tensor places;  // [positions, hidden]: position and first token type, summed once
  Affine embedding_norm;
  std::vector<Layer> layers;

  Weights(const SafetensorsFile& file, const MiniLmConfig& config)
      : places(to_tensor(file.at("embeddings.position_embeddings.weight")) +
               to_tensor(file.at("embeddings.token_type_embeddings.weight"))[0]),
        embedding_norm(read_affine(file, "embeddings.LayerNorm")) {
    for (std::uint64_t i = 0; i < config.layers; ++i)
      layers.push_back(read_layer(file, "encoder.layer." + std::to_string(i) + "."));
  }

  /// Rows of all sequences one after another: [tokens, hidden]. Words are copied from the mapped file, which ranks of a
  /// node share, so that the largest table is in memory once.
  [[nodiscard]] at::Tensor embed(std::span<const std::vector<text::TokenId>> sequences, const TensorView& words) const {
    std::vector<std::int64_t> positions;
    for (const auto& sequence : sequences) {
      for (std::size_t i = 0; i < sequence.size(); ++i) positions.push_back(static_cast<std::int64_t>(i));
    }
    at::Tensor rows = at::empty({static_cast<std::int64_t>(positions.size()), places.size(1)}, at::kFloat);
    const std::size_t row_bytes = static_cast<std::size_t>(places.size(1)) * sizeof(float);
    auto* target = static_cast<std::byte*>(rows.data_ptr());
    for (const auto& sequence : sequences) {
      for (const text::TokenId id : sequence) {
        LARIMAR_EXPECT(id >= 0 && static_cast<std::uint64_t>(id) < words.shape[0]);
        std::memcpy(target, words.bytes.data() + static_cast<std::size_t>(id) * row_bytes, row_bytes);
        target += row_bytes;
      }
    }
    return rows.add_(at::index_select(places, 0, to_tensor(positions)));
  }
};

MiniLmNetwork::MiniLmNetwork(SafetensorsFile file, const MiniLmConfig& config)
    : file_(std::move(file)), config_(config) {
  require_tensors(file_, minilm_tensors(config_));
  const c10::InferenceMode inference;
  weights_ = std::make_unique<const Weights>(file_, config_);
}

MiniLmNetwork::~MiniLmNetwork() = default;

linalg::Matrix MiniLmNetwork::keys(std::span<const std::vector<text::TokenId>> sequences) const {
  const c10::InferenceMode inference;
  const std::vector<Group> groups = find_groups(sequences);
  const auto heads = static_cast<std::int64_t>(config_.heads);
  const double epsilon = config_.norm_epsilon;
  at::Tensor x = weights_->embed(sequences, file_.at("embeddings.word_embeddings.weight"));
  x = normalize(weights_->embedding_norm, x, epsilon);
  for (const Layer& layer : weights_->layers) {
    const at::Tensor attended = attend(apply(layer.query_key_value, x), groups, heads);
    x = normalize(layer.attention_norm, apply(layer.attention_out, attended).add_(x), epsilon);
    at::Tensor wide = apply(layer.widen, x);
    at::gelu_(wide);
    x = normalize(layer.norm, apply(layer.narrow, wide).add_(x), epsilon);
  }
  std::vector<at::Tensor> means;
  for (const Group& group : groups) {
    means.push_back(
        x.narrow(0, group.first, group.count * group.length).view({group.count, group.length, x.size(1)}).mean(1));
  }
  const at::Tensor mean = at::cat(means);
  linalg::Matrix keys = to_matrix(mean / mean.norm(2, {1}, true).clamp_min(1e-12));
  if (!keys.allFinite())
    throw base::NumericalError(file_.path().string() + " gives keys that are not finite (are the weights damaged?)");
  return keys;
}

}  // namespace larimar::model
