#include "common/model/larimar_encoder.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/model/bert_network.h"
#include "common/model/in_batches.h"
#include "common/model/larimar_config.h"
#include "common/model/torch_bridge.h"

namespace larimar::model {
namespace {

using text::TokenId;

class LarimarEncoder final : public CodeEncoder {
 public:
  LarimarEncoder(const std::filesystem::path& folder, Arithmetic arithmetic, const std::string& device)
      : LarimarEncoder(folder, read_larimar_config(folder), std::make_shared<const Checkpoint>(folder), arithmetic,
                       device) {}

  linalg::Index code_size() const override { return static_cast<linalg::Index>(config_.code_size); }
  std::size_t max_tokens() const override { return config_.segment_tokens - 2; }

  linalg::Matrix encode(std::span<const std::vector<TokenId>> segments) override {
    std::vector<std::size_t> order(segments.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return segments[i].size(); });
    std::vector<std::vector<TokenId>> sequences;
    for (const std::size_t i : order) sequences.push_back(with_ends(segments[i]));
    linalg::Matrix codes(static_cast<linalg::Index>(segments.size()), code_size());
    if (segments.empty()) return codes;
    linalg::Matrix pooled(codes.rows(), static_cast<linalg::Index>(config_.encoder.hidden));
    at_once(codes.rows(), "segments to encode", [&](std::int64_t first, std::int64_t count) {
      pooled.middleRows(first, count) = network_.pooled(
          std::span(sequences).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)));
    });
    const linalg::Matrix rows = pooled * linear_.transpose();
    for (std::size_t i = 0; i < order.size(); ++i)
      codes.row(static_cast<linalg::Index>(order[i])) = rows.row(static_cast<linalg::Index>(i));
    return codes;
  }

 private:
  LarimarEncoder(const std::filesystem::path& folder, const LarimarConfig& config,
                 const std::shared_ptr<const Checkpoint>& weights, Arithmetic arithmetic, const std::string& device)
      : config_(config), network_(weights, config.encoder, "encoder.", true, arithmetic, device) {
    const TensorShape linear{"FLOAT", {2 * config.code_size, config.encoder.hidden}};
    require_tensors(weights->source(), weights->tensors(), {{"encoder.linear.weight", linear}});
    linear_ = to_matrix(to_tensor(weights->at("encoder.linear.weight"))).topRows(code_size());
    const auto tokenizer = load_larimar_tokenizer(folder, "encoder");
    if (static_cast<std::uint64_t>(tokenizer->size()) > config.encoder.vocabulary) {
      throw base::FormatError((folder / "encoder").string() + " has a tokenizer of " +
                              std::to_string(tokenizer->size()) + " pieces, but config.json says " +
                              std::to_string(config.encoder.vocabulary));
    }
    first_ = tokenizer->id_of("[CLS]");
    last_ = tokenizer->id_of("[SEP]");
  }

  std::vector<TokenId> with_ends(const std::vector<TokenId>& segment) const {
    if (segment.size() > max_tokens()) {
      throw base::ShapeError("a segment of " + std::to_string(segment.size()) + " tokens; the model takes at most " +
                             std::to_string(max_tokens()));
    }
    std::vector<TokenId> ids{first_};
    ids.insert(ids.end(), segment.begin(), segment.end());
    ids.push_back(last_);
    return ids;
  }

  LarimarConfig config_;
  BertNetwork network_;
  linalg::Matrix linear_;  // [C, hidden]
  TokenId first_ = 0, last_ = 0;
};

}  // namespace

std::unique_ptr<CodeEncoder> load_larimar_encoder(const std::filesystem::path& folder, Arithmetic arithmetic,
                                                  const std::string& device) {
  return std::make_unique<LarimarEncoder>(folder, arithmetic, device);
}

std::unique_ptr<const text::Tokenizer> load_larimar_tokenizer(const std::filesystem::path& folder, const char* part) {
  return text::load_tokenizer(folder / part);
}

}  // namespace larimar::model
