#include "common/model/bert_network.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <string>
#include <utility>

#include "common/base/contracts.h"
#include "common/base/error.h"
#include "common/model/placement.h"
#include "common/model/projection.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

struct Affine {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]
};

struct Layer {
  Projection query_key_value;  // [3 hidden, hidden]: one product in place of three
  Projection attention_out;
  Affine attention_norm;
  Projection widen;
  Projection narrow;
  Affine norm;
};

/// Sequences of one length lie side by side, so attention needs neither padding nor a mask.
struct Group {
  std::int64_t first = 0;   // row of its first token
  std::int64_t count = 0;   // sequences
  std::int64_t length = 0;  // tokens of each
};

at::Tensor read_floats(const Checkpoint& file, const std::string& name, const at::Device& device) {
  return to_tensor(file.at(name)).to(device, at::kFloat);
}

Affine read_affine(const Checkpoint& file, const std::string& name, const at::Device& device) {
  return {read_floats(file, name + ".weight", device), read_floats(file, name + ".bias", device)};
}

Layer read_layer(const Checkpoint& file, const std::string& prefix, Arithmetic arithmetic, const at::Device& device) {
  const auto affine_of = [&](const char* name) { return read_affine(file, prefix + name, device); };
  const auto projection = [&](const Affine& affine) { return Projection(affine.weight, affine.bias, arithmetic); };
  const Affine query = affine_of("attention.self.query");
  const Affine key = affine_of("attention.self.key");
  const Affine value = affine_of("attention.self.value");
  return {.query_key_value = projection(
              {at::cat({query.weight, key.weight, value.weight}), at::cat({query.bias, key.bias, value.bias})}),
          .attention_out = projection(affine_of("attention.output.dense")),
          .attention_norm = affine_of("attention.output.LayerNorm"),
          .widen = projection(affine_of("intermediate.dense")),
          .narrow = projection(affine_of("output.dense")),
          .norm = affine_of("output.LayerNorm")};
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

struct BertNetwork::Weights {
  TensorView words;       // [vocabulary, hidden], mapped
  at::Tensor half_words;  // the same as floats, where the file has another type
  at::Tensor places;      // [positions, hidden]: position and first token type, summed once
  Affine embedding_norm;
  std::vector<Layer> layers;
  Projection pooler;

  Weights(const Checkpoint& file, const BertConfig& config, const std::string& prefix, bool with_pooler,
          Arithmetic arithmetic, const at::Device& device)
      : words(file.at(prefix + "embeddings.word_embeddings.weight")),
        places(read_floats(file, prefix + "embeddings.position_embeddings.weight", device) +
               read_floats(file, prefix + "embeddings.token_type_embeddings.weight", device)[0]),
        embedding_norm(read_affine(file, prefix + "embeddings.LayerNorm", device)) {
    if (words.dtype != "F32") {
      half_words = to_tensor(words).to(at::kFloat);
      words = to_view(half_words);
    }
    for (std::uint64_t i = 0; i < config.layers; ++i)
      layers.push_back(read_layer(file, prefix + "encoder.layer." + std::to_string(i) + ".", arithmetic, device));
    if (!with_pooler) return;
    const Affine dense = read_affine(file, prefix + "pooler.dense", device);
    pooler = Projection(dense.weight, dense.bias, arithmetic);
  }

  /// Rows of all sequences one after another: [tokens, hidden]. Words are copied from the mapped file, which ranks of a
  /// node share, so that the largest table is in memory once.
  [[nodiscard]] at::Tensor embed(std::span<const std::vector<text::TokenId>> sequences) const {
    std::vector<std::int64_t> positions;
    for (const auto& sequence : sequences) {
      LARIMAR_EXPECT(static_cast<std::int64_t>(sequence.size()) <= places.size(0));
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
    return rows.to(places.device()).add_(at::index_select(places, 0, to_tensor(positions).to(places.device())));
  }

  [[nodiscard]] at::Tensor forward(std::span<const std::vector<text::TokenId>> sequences,
                                   const std::vector<Group>& groups, const BertConfig& config) const {
    const auto heads = static_cast<std::int64_t>(config.heads);
    at::Tensor x = normalize(embedding_norm, embed(sequences), config.norm_epsilon);
    for (const Layer& layer : layers) {
      const at::Tensor attended = attend(layer.query_key_value(x), groups, heads);
      x = normalize(layer.attention_norm, layer.attention_out(attended).add_(x), config.norm_epsilon);
      at::Tensor wide = layer.widen(x);
      at::gelu_(wide);
      x = normalize(layer.norm, layer.narrow(wide).add_(x), config.norm_epsilon);
    }
    return x;
  }
};

namespace {

linalg::Matrix finite(const at::Tensor& rows, const Checkpoint& checkpoint) {
  linalg::Matrix matrix = to_matrix(rows);
  if (!matrix.allFinite()) {
    throw base::NumericalError(checkpoint.source().string() +
                               " gives keys that are not finite (are the weights damaged?)");
  }
  return matrix;
}

}  // namespace

BertNetwork::BertNetwork(std::shared_ptr<const Checkpoint> weights, const BertConfig& config, const std::string& prefix,
                         bool pooler, Arithmetic arithmetic, const std::string& device)
    : checkpoint_(std::move(weights)), config_(config) {
  require_tensors(checkpoint_->source(), checkpoint_->tensors(), bert_tensors(config_, prefix, pooler));
  const c10::InferenceMode inference;
  weights_ = std::make_unique<const Weights>(*checkpoint_, config_, prefix, pooler, arithmetic,
                                             encoder_device(device, arithmetic));
}

BertNetwork::~BertNetwork() = default;

linalg::Matrix BertNetwork::mean_keys(std::span<const std::vector<text::TokenId>> sequences) const {
  const c10::InferenceMode inference;
  const std::vector<Group> groups = find_groups(sequences);
  const at::Tensor x = weights_->forward(sequences, groups, config_);
  std::vector<at::Tensor> means;
  for (const Group& group : groups) {
    means.push_back(
        x.narrow(0, group.first, group.count * group.length).view({group.count, group.length, x.size(1)}).mean(1));
  }
  const at::Tensor mean = at::cat(means);
  return finite(mean / mean.norm(2, {1}, true).clamp_min(1e-12), *checkpoint_);
}

linalg::Matrix BertNetwork::pooled(std::span<const std::vector<text::TokenId>> sequences) const {
  const c10::InferenceMode inference;
  LARIMAR_EXPECT(weights_->pooler.defined());
  const std::vector<Group> groups = find_groups(sequences);
  const at::Tensor x = weights_->forward(sequences, groups, config_);
  std::vector<std::int64_t> first;
  for (const Group& group : groups) {
    for (std::int64_t i = 0; i < group.count; ++i) first.push_back(group.first + i * group.length);
  }
  return finite(at::tanh(weights_->pooler(at::index_select(x, 0, to_tensor(first).to(x.device())))), *checkpoint_);
}

linalg::Matrix BertNetwork::hidden_states(std::span<const std::vector<text::TokenId>> sequences) const {
  const c10::InferenceMode inference;
  return to_matrix(weights_->forward(sequences, find_groups(sequences), config_));
}

}  // namespace larimar::model
