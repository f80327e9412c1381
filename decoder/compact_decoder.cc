#include "decoder/compact_decoder.h"

#include <torch/torch.h>

#include <algorithm>

#include "common/base/error.h"
#include "common/model/compact_weights.h"
#include "common/model/in_batches.h"
#include "common/model/placement.h"
#include "common/model/torch_bridge.h"

namespace larimar::decoder {
namespace {

using text::TokenId;
using torch::Tensor;
constexpr std::int64_t kBatch = 128;    // codes decoded together
constexpr std::int64_t kMostEnded = 8;  // one in so many rows may be past its end

class CompactDecoder final : public model::CodeDecoder {
 public:
  CompactDecoder(const std::filesystem::path& folder, const std::string& device)
      : config_(model::read_compact_config(folder / "config.json")),
        device_(model::tensor_options({.device = device, .dtype = "float32"}).device()),
        network_(model::load_network(folder, config_)) {
    network_->to(device_);
  }

  linalg::Index code_size() const override { return config_.code_size(); }

  std::vector<std::vector<TokenId>> decode(linalg::ConstMatrixRef codes) override {
    if (codes.cols() != code_size()) {
      throw base::ShapeError("codes have " + std::to_string(codes.cols()) + " columns; this decoder takes " +
                             std::to_string(code_size()));
    }
    const torch::InferenceMode guard;
    std::vector<std::vector<TokenId>> texts;
    texts.reserve(static_cast<std::size_t>(codes.rows()));
    model::in_batches(codes.rows(), batch_, "codes to decode", [&](std::int64_t first, std::int64_t count) {
      decode_batch(model::to_device(codes.middleRows(first, count), device_), texts);
    });
    return texts;
  }

 private:
  /// Texts that are not at their end, side by side.
  struct Open {
    Tensor rows;    // [open] place in the batch
    Tensor codes;   // [open, C]
    Tensor inputs;  // [open, 1] the last piece of each
    Tensor live;    // [open] whether its end has not come
    std::vector<model::PastState> past;
  };

  void decode_batch(const Tensor& codes, std::vector<std::vector<TokenId>>& texts) {
    const std::int64_t batch = codes.size(0);
    const auto options = torch::TensorOptions().dtype(torch::kInt64).device(device_);
    Open open{torch::arange(batch, options), codes, torch::full({batch, 1}, config_.bos_id, options),
              torch::ones({batch}, options.dtype(torch::kBool)), network_->decoder->inject(codes, config_.positions)};
    Tensor generated = torch::full({batch, config_.positions}, config_.eos_id, options);
    for (std::int64_t position = 0; position < config_.positions; ++position) {
      const Tensor states = network_->decoder->hidden(open.inputs, position, open.codes, open.past, true);
      open.inputs = network_->decoder->logits(states).argmax(-1);
      generated.select(1, position).index_copy_(0, open.rows, open.inputs.squeeze(1));
      if (!drop_ended(open)) break;
    }
    append_rows(generated.to(torch::kCPU), texts);
  }

  /// False if all texts are at their end. Few ended ones are computed on, since to drop them copies what is kept of the others; what
  /// follows their end is not looked at.
  bool drop_ended(Open& open) const {
    open.live.logical_and_(open.inputs.squeeze(1).ne(config_.eos_id));
    const std::int64_t count = open.live.sum().item<std::int64_t>(), now = open.rows.size(0);
    if (count == 0) return false;
    if (kMostEnded * (now - count) <= now) return true;
    const Tensor kept = open.live.nonzero().squeeze(1);
    open.rows = open.rows.index_select(0, kept);
    open.codes = open.codes.index_select(0, kept);
    open.inputs = open.inputs.index_select(0, kept);
    open.live = open.live.index_select(0, kept);
    for (model::PastState& layer : open.past)
      layer = {layer.keys.index_select(0, kept), layer.values.index_select(0, kept), layer.used};
    return true;
  }

  void append_rows(const Tensor& generated, std::vector<std::vector<TokenId>>& texts) const {
    const auto rows = generated.accessor<std::int64_t, 2>();
    for (std::int64_t i = 0; i < rows.size(0); ++i) {
      std::vector<TokenId>& ids = texts.emplace_back();
      for (std::int64_t t = 0; t < rows.size(1) && rows[i][t] != config_.eos_id; ++t)
        ids.push_back(static_cast<TokenId>(rows[i][t]));
    }
  }

  model::CompactConfig config_;
  torch::Device device_;
  model::CompactNetwork network_;
  std::int64_t batch_ = kBatch;
};

}  // namespace

std::unique_ptr<model::CodeDecoder> load_compact_decoder(const std::filesystem::path& folder,
                                                         const std::string& device) {
  return std::make_unique<CompactDecoder>(folder, device);
}

}  // namespace larimar::decoder
