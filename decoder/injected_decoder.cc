#include "decoder/injected_decoder.h"

#include <torch/torch.h>

#include <algorithm>
#include <map>
#include <string>

#include "common/base/error.h"
#include "common/model/adapters.h"
#include "common/model/causal_generator.h"
#include "common/model/causal_network.h"
#include "common/model/in_batches.h"
#include "common/model/injection.h"
#include "common/model/injection_files.h"
#include "common/model/placement.h"
#include "common/model/torch_bridge.h"

namespace larimar::decoder {
namespace {

using text::TokenId;
using torch::Tensor;
using Tokens = std::vector<TokenId>;
constexpr std::int64_t kBatch = 32;  // codes whose pieces are found together

class InjectedDecoder final : public model::CodeReader {
 public:
  InjectedDecoder(const std::filesystem::path& folder, const std::filesystem::path& language,
                  const model::Placement& placement)
      : parts_(model::load_injection(folder, language, model::tensor_options(placement))),
        generator_(*parts_.language) {}

  linalg::Index code_size() const override { return parts_.config.code_size(); }

  std::vector<Tokens> decode(linalg::ConstMatrixRef codes) override {
    check_size(codes.cols());
    const torch::InferenceMode guard;
    const Tensor all = model::to_device(codes, parts_.injection->from_latent->weight.options());
    std::vector<Tokens> texts(static_cast<std::size_t>(codes.rows()));
    for (const auto& [groups, rows] : by_groups(all)) {
      const Tensor some = all.index_select(0, model::to_tensor(std::span(rows)).to(all.device()));
      model::in_batches(
          some.size(0), batch_, "codes to decode", [&, &groups = groups, &rows = rows](auto first, auto count) {
            const Tensor said =
                parts_.injection->scores(some.narrow(0, first, count), groups).argmax(-1).to(torch::kCPU);
            for (std::int64_t i = 0; i < count; ++i)
              texts[static_cast<std::size_t>(rows[static_cast<std::size_t>(first + i)])] = up_to_end(said[i]);
          });
    }
    return texts;
  }

  Tokens complete(std::span<const model::PromptPart> prompt, std::size_t max_new_tokens) override {
    if (prompt.empty() || prompt.back().tokens.empty())
      throw base::ShapeError("a prompt must end with tokens, for the language model to go on from");
    const torch::InferenceMode guard;
    model::KvCache cache = parts_.language->make_cache();
    cache.reset({0}, 0);
    for (const model::PromptPart& part : prompt.first(prompt.size() - 1)) read(part, cache);
    const std::size_t length = static_cast<std::size_t>(cache.columns()) + prompt.back().tokens.size() + max_new_tokens;
    if (length > parts_.language->config().positions) {
      throw base::ShapeError("a prompt and answer of " + std::to_string(length) + " positions; the model has " +
                             std::to_string(parts_.language->config().positions));
    }
    const model::GenerationOptions options{.max_new_tokens = max_new_tokens, .stop = {parts_.end}};
    return generator_.run_behind(std::move(cache), {}, {&prompt.back().tokens, 1}, options).front();
  }

 private:
  void check_size(linalg::Index size) const {
    if (size == code_size()) return;
    throw base::ShapeError("codes have " + std::to_string(size) + " columns; this decoder takes " +
                           std::to_string(code_size()));
  }

  /// Rows with as many groups of text lie side by side, so that no position is padding.
  std::map<std::int64_t, std::vector<std::int64_t>> by_groups(const Tensor& codes) const {
    std::map<std::int64_t, std::vector<std::int64_t>> rows;
    const Tensor groups = model::used_groups(codes, parts_.config).to(torch::kCPU);
    for (std::int64_t i = 0; i < groups.size(0); ++i) rows[groups[i].item<std::int64_t>()].push_back(i);
    return rows;
  }

  /// pieces [L] int64.
  Tokens up_to_end(const Tensor& pieces) const {
    const std::span ids(pieces.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(pieces.numel()));
    return {ids.begin(), std::ranges::find(ids, parts_.config.end_id)};
  }

  void read(const model::PromptPart& part, model::KvCache& cache) {
    if (part.code.empty()) {
      const std::vector<std::int64_t> ids(part.tokens.begin(), part.tokens.end());
      if (!ids.empty()) read_tokens(model::to_tensor(std::span(ids)).unsqueeze(0), cache);
      return;
    }
    const auto size = static_cast<linalg::Index>(part.code.size());
    check_size(size);
    const Eigen::Map<const linalg::Matrix> row(part.code.data(), 1, size);
    const Tensor code = model::to_device(row, parts_.injection->from_latent->weight.options());
    const auto groups = model::used_groups(code, parts_.config).item<std::int64_t>();
    read_positions(parts_.injection->scores(code, groups), cache);
  }
  void read_tokens(const Tensor& tokens, model::KvCache& cache) {
    static_cast<void>(parts_.language->hidden({.tokens = tokens}, cache));
  }
  void read_positions(const Tensor& scores, model::KvCache& cache) {
    const Tensor positions = parts_.injection->positions_of(scores);
    static_cast<void>(parts_.language->hidden({.tokens = {}, .embeddings = positions}, cache));
  }

  model::InjectionParts parts_;
  model::CausalGenerator generator_;
  std::int64_t batch_ = kBatch;
};

}  // namespace

std::unique_ptr<model::CodeReader> load_injected_decoder(const std::filesystem::path& folder,
                                                         const std::filesystem::path& language,
                                                         const model::Placement& placement) {
  return std::make_unique<InjectedDecoder>(folder, language, placement);
}

}  // namespace larimar::decoder
