#include "decoder/compact_decoder.h"

#include <torch/torch.h>

#include <algorithm>

#include "common/base/error.h"
#include "common/model/compact_stepper.h"
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
        stepper_(load(folder)) {}

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
    Tensor pieces;  // [open] the last one of each
    Tensor live;    // [open] whether its end has not come
    model::CompactStepper::Texts texts;
  };

  model::CompactStepper load(const std::filesystem::path& folder) const {
    model::CompactNetwork network = model::load_network(folder, config_);
    network->decoder->to(device_);
    return model::CompactStepper(network->decoder);
  }

  void decode_batch(const Tensor& codes, std::vector<std::vector<TokenId>>& texts) {
    const std::int64_t batch = codes.size(0);
    const auto options = torch::TensorOptions().dtype(torch::kInt64).device(device_);
    Open open{torch::arange(batch, options), torch::full({batch}, config_.bos_id, options),
              torch::ones({batch}, options.dtype(torch::kBool)), stepper_.begin(codes)};
    Tensor generated = torch::full({batch, config_.positions}, config_.eos_id, options);
    for (std::int64_t position = 0; position < config_.positions; ++position) {
      open.pieces = stepper_.step(open.texts, open.pieces).argmax(-1);
      generated.select(1, position).index_copy_(0, open.rows, open.pieces);
      if (!drop_ended(open)) break;
    }
    append_rows(generated.to(torch::kCPU), texts);
  }

  /// False if all texts are at their end. Few ended ones are computed on, since to drop them copies what is kept of the others; what
  /// follows their end is not looked at.
  bool drop_ended(Open& open) const {
    open.live.logical_and_(open.pieces.ne(config_.eos_id));
    const std::int64_t count = open.live.sum().item<std::int64_t>(), now = open.rows.size(0);
    if (count == 0) return false;
    if (kMostEnded * (now - count) <= now) return true;
    const Tensor kept = open.live.nonzero().squeeze(1);
    open.rows = open.rows.index_select(0, kept);
    open.pieces = open.pieces.index_select(0, kept);
    open.live = open.live.index_select(0, kept);
    model::CompactStepper::keep(open.texts, kept);
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
  model::CompactStepper stepper_;
  std::int64_t batch_ = kBatch;
};

}  // namespace

std::unique_ptr<model::CodeDecoder> load_compact_decoder(const std::filesystem::path& folder,
                                                         const std::string& device) {
  return std::make_unique<CompactDecoder>(folder, device);
}

}  // namespace larimar::decoder
