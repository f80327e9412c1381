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
constexpr std::int64_t kBatch = 128;  // codes decoded together

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
      decode_batch(model::to_tensor(codes.middleRows(first, count)).to(device_), texts);
    });
    return texts;
  }

 private:
  void decode_batch(const Tensor& codes, std::vector<std::vector<TokenId>>& texts) {
    const std::int64_t batch = codes.size(0);
    const auto options = torch::TensorOptions().dtype(torch::kInt64).device(device_);
    std::vector<model::PastState> past = network_->decoder->inject(codes);
    Tensor inputs = torch::full({batch, 1}, config_.bos_id, options);
    Tensor open = torch::ones({batch}, options.dtype(torch::kBool));
    Tensor generated = torch::full({batch, config_.positions}, config_.eos_id, options);
    for (std::int64_t position = 0; position < config_.positions; ++position) {
      const Tensor states = network_->decoder->hidden(inputs, position, codes, past, true);
      const Tensor next = network_->decoder->logits(states).argmax(-1);  // [batch, 1]
      generated.select(1, position).copy_(torch::where(open, next.squeeze(1), config_.eos_id));
      open = open.logical_and(next.squeeze(1).ne(config_.eos_id));
      if (!open.any().item<bool>()) break;
      inputs = next;
    }
    append_rows(generated.to(torch::kCPU), texts);
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
