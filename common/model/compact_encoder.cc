#include <torch/torch.h>

#include <algorithm>

#include "common/base/error.h"
#include "common/model/compact.h"
#include "common/model/compact_weights.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

class CompactCodeEncoder final : public CodeEncoder {
 public:
  explicit CompactCodeEncoder(const std::filesystem::path& folder)
      : config_(read_compact_config(folder / "config.json")), network_(load_network(folder, config_)) {}

  linalg::Index code_size() const override { return config_.code_size(); }
  std::size_t max_tokens() const override { return static_cast<std::size_t>(config_.positions) - 1; }

  linalg::Matrix encode(std::span<const std::vector<text::TokenId>> segments) override {
    if (segments.empty()) return linalg::Matrix(0, code_size());
    const torch::InferenceMode guard;
    return to_matrix(network_->encoder->forward(padded(segments)));
  }

 private:
  torch::Tensor padded(std::span<const std::vector<text::TokenId>> segments) const {
    std::size_t longest = 0;
    for (const auto& segment : segments) {
      if (segment.empty() || segment.size() > max_tokens()) {
        throw base::ShapeError("a segment of " + std::to_string(segment.size()) + " tokens; the model takes 1 to " +
                               std::to_string(max_tokens()));
      }
      longest = std::max(longest, segment.size() + 1);
    }
    const auto group = static_cast<std::size_t>(config_.group());
    const std::size_t length = (longest + group - 1) / group * group;
    std::vector<std::int64_t> ids(segments.size() * length, config_.pad_id);
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const auto row = ids.begin() + static_cast<std::ptrdiff_t>(i * length);
      *std::ranges::copy(segments[i], row).out = config_.eos_id;
    }
    return to_tensor(std::span<const std::int64_t>(ids))
        .view({static_cast<std::int64_t>(segments.size()), static_cast<std::int64_t>(length)});
  }

  CompactConfig config_;
  CompactNetwork network_;
};

}  // namespace

CompactNetwork load_network(const std::filesystem::path& folder, const CompactConfig& config) {
  CompactNetwork network(config);
  load_weights(*network, SafetensorsFile(folder / "model.safetensors"));
  network->eval();
  return network;
}

std::unique_ptr<CodeEncoder> load_compact_encoder(const std::filesystem::path& folder) {
  return std::make_unique<CompactCodeEncoder>(folder);
}

}  // namespace larimar::model
