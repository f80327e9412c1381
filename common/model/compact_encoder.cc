#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "common/base/error.h"
#include "common/model/compact.h"
#include "common/model/compact_weights.h"
#include "common/model/in_batches.h"
#include "common/model/placement.h"
#include "common/model/projection.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

using torch::Tensor;

/// Segments of one length lie side by side, so that no token is padding and attention needs no mask.
struct Group {
  std::int64_t first = 0;   // row of its first token
  std::int64_t count = 0;   // segments
  std::int64_t length = 0;  // tokens of each, end-of-text included
};

/// All tokens of a batch, one segment after another, the shorter ones first.
struct Rows {
  std::vector<std::int64_t> tokens, positions;  // [tokens]
  std::vector<std::size_t> order;               // [segments] place in the batch
  std::vector<Group> groups;
};

Rows rows_of(std::span<const std::vector<text::TokenId>> segments, std::int64_t end_of_text) {
  Rows rows;
  rows.order.resize(segments.size());
  std::iota(rows.order.begin(), rows.order.end(), std::size_t{0});
  std::ranges::stable_sort(rows.order, {}, [&](std::size_t i) { return segments[i].size(); });
  for (const std::size_t i : rows.order) {
    const auto length = static_cast<std::int64_t>(segments[i].size()) + 1;
    if (rows.groups.empty() || rows.groups.back().length != length)
      rows.groups.push_back({static_cast<std::int64_t>(rows.tokens.size()), 0, length});
    ++rows.groups.back().count;
    rows.tokens.insert(rows.tokens.end(), segments[i].begin(), segments[i].end());
    rows.tokens.push_back(end_of_text);
    for (std::int64_t at = 0; at < length; ++at) rows.positions.push_back(at);
  }
  return rows;
}

Projection projection(const torch::nn::Linear& linear, Arithmetic arithmetic) {
  return {linear->weight.detach(), linear->bias.defined() ? linear->bias.detach() : Tensor(), arithmetic};
}

/// The linear layers of one transformer layer.
struct Linears {
  Projection qkv, attention_out, mlp_in, mlp_out;
};

Tensor normalised(const torch::nn::LayerNorm& norm, const Tensor& x) {
  return at::layer_norm(x, norm->weight.sizes(), norm->weight, norm->bias, norm->options.eps());
}

/// Queries, keys and values side by side [tokens, 3 d] to what each token attends to within its segment [tokens, d].
Tensor attended(const Tensor& parts, const std::vector<Group>& groups, std::int64_t heads) {
  const std::int64_t width = parts.size(1) / 3;
  Tensor mixed = at::empty({parts.size(0), width}, parts.options());
  for (const Group& group : groups) {
    const std::int64_t rows = group.count * group.length;
    const Tensor split = parts.narrow(0, group.first, rows)
                             .view({group.count, group.length, 3, heads, width / heads})
                             .permute({2, 0, 3, 1, 4});  // [3, count, heads, length, size]
    mixed.narrow(0, group.first, rows)
        .view({group.count, group.length, heads, width / heads})
        .copy_(at::scaled_dot_product_attention(split[0], split[1], split[2]).transpose(1, 2));
  }
  return mixed;
}

/// CompactEncoderImpl::forward without padding: the same sums, but for their order.
class CompactCodeEncoder final : public CodeEncoder {
 public:
  CompactCodeEncoder(const std::filesystem::path& folder, Arithmetic arithmetic, const std::string& device)
      : config_(read_compact_config(folder / "config.json")),
        device_(encoder_device(device, arithmetic)),
        network_(load_network(folder, config_)) {
    network_->to(device_);
    for (const auto& module : *network_->encoder->layers) {
      const auto& layer = *module->as<Layer>();
      linears_.push_back({projection(layer.qkv, arithmetic), projection(layer.attention_out, arithmetic),
                          projection(layer.mlp_in, arithmetic), projection(layer.mlp_out, arithmetic)});
    }
    to_latent_ = projection(network_->encoder->to_latent, arithmetic);
  }

  linalg::Index code_size() const override { return config_.code_size(); }
  std::size_t max_tokens() const override { return static_cast<std::size_t>(config_.positions) - 1; }

  linalg::Matrix encode(std::span<const std::vector<text::TokenId>> segments) override {
    if (segments.empty()) return linalg::Matrix(0, code_size());
    for (const auto& segment : segments) {
      if (segment.empty() || segment.size() > max_tokens())
        throw base::ShapeError("a segment of " + std::to_string(segment.size()) + " tokens; the model takes 1 to " +
                               std::to_string(max_tokens()));
    }
    const torch::InferenceMode guard;
    linalg::Matrix result(static_cast<linalg::Index>(segments.size()), code_size());
    at_once(result.rows(), "segments to encode", [&](std::int64_t first, std::int64_t count) {
      const Rows rows =
          rows_of(segments.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), config_.eos_id);
      const linalg::Matrix sorted = to_matrix(codes(states(rows), rows));
      for (std::size_t i = 0; i < rows.order.size(); ++i)
        result.row(first + static_cast<linalg::Index>(rows.order[i])) = sorted.row(static_cast<linalg::Index>(i));
    });
    return result;
  }

 private:
  [[nodiscard]] Tensor index(std::span<const std::int64_t> values) const { return to_tensor(values).to(device_); }

  /// Last hidden states [tokens, d].
  [[nodiscard]] Tensor states(const Rows& rows) const {
    const CompactEncoder& encoder = network_->encoder;
    Tensor x = at::index_select(encoder->pieces->weight, 0, index(rows.tokens));
    x.add_(at::index_select(encoder->positions->weight, 0, index(rows.positions)));
    for (std::size_t i = 0; i < linears_.size(); ++i) {
      const auto& layer = *encoder->layers->ptr(i)->as<Layer>();
      const Linears& linears = linears_[i];
      x.add_(
          linears.attention_out(attended(linears.qkv(normalised(layer.attention_norm, x)), rows.groups, layer.heads)));
      x.add_(linears.mlp_out(linears.mlp_in(normalised(layer.mlp_norm, x)).relu_()));
    }
    return normalised(encoder->final_norm, x);
  }

  /// States to codes [segments, C]: those of config.group() positions side by side make a latent, zeros where a segment ends.
  [[nodiscard]] Tensor codes(const Tensor& states, const Rows& rows) const {
    const std::int64_t group = config_.group();
    Tensor codes = at::zeros({static_cast<std::int64_t>(rows.order.size()), config_.latents, config_.latent_size},
                             states.options());
    std::int64_t segment = 0;
    for (const Group& part : rows.groups) {
      const std::int64_t latents = (part.length + group - 1) / group;
      const Tensor whole = at::constant_pad_nd(
          states.narrow(0, part.first, part.count * part.length).view({part.count, part.length, config_.width}),
          {0, 0, 0, latents * group - part.length});
      const Tensor made = to_latent_(whole.view({part.count, latents, group * config_.width}));
      codes.narrow(0, segment, part.count)
          .narrow(1, 0, latents)
          .copy_(made * at::rsqrt(made.pow(2).mean(-1, true) + 1e-6));
      segment += part.count;
    }
    return codes.view({segment, config_.code_size()});
  }

  CompactConfig config_;
  torch::Device device_;
  CompactNetwork network_;
  std::vector<Linears> linears_;  // [layers]
  Projection to_latent_;
};

}  // namespace

CompactNetwork load_network(const std::filesystem::path& folder, const CompactConfig& config) {
  CompactNetwork network(config);
  load_weights(*network, SafetensorsFile(folder / "model.safetensors"));
  network->eval();
  return network;
}

std::unique_ptr<CodeEncoder> load_compact_encoder(const std::filesystem::path& folder, Arithmetic arithmetic,
                                                  const std::string& device) {
  return std::make_unique<CompactCodeEncoder>(folder, arithmetic, device);
}

}  // namespace larimar::model
