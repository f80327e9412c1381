#include "decoder/injected_decoder.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <iterator>
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
#include "decoder/proposals.h"

namespace larimar::decoder {
namespace {

using text::TokenId;
using torch::Tensor;
using Tokens = std::vector<TokenId>;
constexpr std::int64_t kBatch = 32;      // codes whose pieces are found together
constexpr std::int64_t kCandidates = 4;  // of a position
constexpr double kUnlikely = 0.02;       // pieces of less probability are none
constexpr std::size_t kProposals = 4;    // texts of one code for the language model to choose from

/// For each row of scores [rows, L, pieces] and each position, the pieces that may stand there.
std::vector<std::vector<std::vector<Candidate>>> candidates_of(const Tensor& scores) {
  const auto [best, pieces] = torch::log_softmax(scores.to(torch::kFloat32), -1).topk(kCandidates, -1);
  const Tensor logs = best.to(torch::kCPU), ids = pieces.to(torch::kCPU);
  const auto log = logs.accessor<float, 3>();
  const auto id = ids.accessor<std::int64_t, 3>();
  std::vector<std::vector<std::vector<Candidate>>> rows(static_cast<std::size_t>(scores.size(0)));
  for (std::int64_t row = 0; row < scores.size(0); ++row) {
    auto& positions = rows[static_cast<std::size_t>(row)];
    for (std::int64_t at = 0; at < scores.size(1); ++at) {
      auto& candidates = positions.emplace_back();
      for (std::int64_t i = 0; i < kCandidates; ++i) {
        if (i > 0 && log[row][at][i] < std::log(kUnlikely)) break;
        candidates.push_back({static_cast<TokenId>(id[row][at][i]), log[row][at][i]});
      }
    }
  }
  return rows;
}

class InjectedDecoder final : public model::CodeReader {
 public:
  InjectedDecoder(const std::filesystem::path& folder, const std::filesystem::path& language,
                  const text::Tokenizer& pieces, const model::Placement& placement)
      : parts_(model::load_injection(folder, language, model::tensor_options(placement))),
        pieces_(pieces),
        words_(text::load_tokenizer(language)),
        generator_(*parts_.language) {}

  linalg::Index code_size() const override { return parts_.config.code_size(); }

  std::vector<Tokens> decode(linalg::ConstMatrixRef codes) override {
    check_size(codes.cols());
    const torch::InferenceMode guard;
    const Tensor all = model::to_device(codes, parts_.injection->from_latent->weight.options());
    std::vector<Tokens> texts(static_cast<std::size_t>(codes.rows()));
    for (const auto& [groups, rows] : by_groups(all)) {
      const Tensor some = all.index_select(0, model::to_tensor(std::span(rows)).to(all.device()));
      model::in_batches(some.size(0), batch_, "codes to decode",
                        [&, &groups = groups, &rows = rows](auto first, auto count) {
                          const Tensor scores = parts_.injection->scores(some.narrow(0, first, count), groups);
                          const auto candidates = candidates_of(scores);
                          for (std::int64_t i = 0; i < count; ++i)
                            texts[static_cast<std::size_t>(rows[static_cast<std::size_t>(first + i)])] =
                                choose(scores.narrow(0, i, 1), candidates[static_cast<std::size_t>(i)]);
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

  /// The text of a code with scores [1, L, pieces]: the most probable one, or where pieces are in doubt the one that is most probable
  /// once the language model has read the code and said it.
  Tokens choose(const Tensor& scores, std::span<const std::vector<Candidate>> candidates) {
    std::vector<Proposal> proposals = most_probable(candidates, static_cast<TokenId>(parts_.config.end_id), kProposals);
    if (proposals.size() > 1) {
      std::vector<Tokens> sayings;
      for (const Proposal& proposal : proposals) sayings.push_back(saying_of(proposal.pieces));
      const std::vector<double> said = likelihoods(scores, sayings);
      for (std::size_t i = 0; i < proposals.size(); ++i) proposals[i].log_probability += said[i];
    }
    return words_->encode(pieces_.decode(std::ranges::max_element(proposals, {}, &Proposal::log_probability)->pieces));
  }

  /// As it was learnt: cut where pieces end, between two marks.
  Tokens saying_of(const Tokens& pieces) const {
    Tokens saying{parts_.end};
    for (const TokenId piece : pieces)
      std::ranges::copy(words_->encode(pieces_.decode({&piece, 1})), std::back_inserter(saying));
    saying.push_back(parts_.end);
    return saying;
  }

  /// log p(saying | its first token, the code's positions) of each.
  std::vector<double> likelihoods(const Tensor& scores, const std::vector<Tokens>& sayings) {
    model::KvCache before = parts_.language->make_cache();
    before.reset({0}, 1 + scores.size(1));
    read_tokens(torch::full({1, 1}, parts_.begin, torch::kInt64), before);
    read_positions(scores, before);
    std::vector<double> sums(sayings.size());
    model::at_once(static_cast<std::int64_t>(sayings.size()), "texts to choose from", [&](auto first, auto count) {
      const std::span some =
          std::span(sayings).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
      std::size_t longest = 0;
      for (const Tokens& saying : some) longest = std::max(longest, saying.size());
      Tensor tokens = torch::full({count, static_cast<std::int64_t>(longest)}, parts_.end, torch::kInt64);
      for (std::int64_t row = 0; row < count; ++row) {
        const Tokens& saying = some[static_cast<std::size_t>(row)];
        const std::vector<std::int64_t> ids(saying.begin(), saying.end());
        tokens[row].narrow(0, 0, static_cast<std::int64_t>(ids.size())).copy_(model::to_tensor(std::span(ids)));
      }
      model::KvCache cache = before;  // shared until select() copies it
      cache.reserve(tokens.size(1));
      cache.select(std::vector<std::int64_t>(static_cast<std::size_t>(count), 0));
      const Tensor states = parts_.language->hidden({.tokens = tokens}, cache);
      for (std::int64_t row = 0; row < count; ++row) {
        const auto length = static_cast<std::int64_t>(some[static_cast<std::size_t>(row)].size());
        const Tensor logs = torch::log_softmax(parts_.language->logits(states[row].narrow(0, 0, length - 1)), -1);
        const Tensor wanted = tokens[row].narrow(0, 1, length - 1).to(logs.device()).unsqueeze(1);
        sums[static_cast<std::size_t>(first + row)] = logs.gather(1, wanted).sum().item<double>();
      }
    });
    return sums;
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
  const text::Tokenizer& pieces_;
  std::unique_ptr<const text::Tokenizer> words_;
  model::CausalGenerator generator_;
  std::int64_t batch_ = kBatch;
};

}  // namespace

std::unique_ptr<model::CodeReader> load_injected_decoder(const std::filesystem::path& folder,
                                                         const std::filesystem::path& language,
                                                         const text::Tokenizer& pieces,
                                                         const model::Placement& placement) {
  return std::make_unique<InjectedDecoder>(folder, language, pieces, placement);
}

}  // namespace larimar::decoder
