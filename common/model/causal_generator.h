#pragma once
// Greedy and sampled continuation. LibTorch types.
#include <cstddef>
#include <span>
#include <vector>

#include "common/model/causal_network.h"
#include "common/model/language_model.h"

namespace larimar::model {

using Tokens = std::vector<text::TokenId>;

/// Continues texts with one network, which it borrows. Keeps the keys and values of the last single text. Not
/// thread-safe. Texts must be checked beforehand: not empty, tokens of the vocabulary, short enough.
class CausalGenerator {
 public:
  explicit CausalGenerator(CausalNetwork& network) : network_(network), kept_(network.make_cache()) {}

  /// Answers in the order of the texts. Several are padded on the left, in batches of similar lengths.
  [[nodiscard]] std::vector<Tokens> run(std::span<const Tokens> texts, const GenerationOptions& options);

  /// Answers to texts of equal length, one for each row of a cache that holds what stands before them. `addend`
  /// [rows, 1, hidden] is added to every token's embedding, unless undefined. The cache is used up.
  [[nodiscard]] std::vector<Tokens> run_behind(KvCache cache, const at::Tensor& addend, std::span<const Tokens> texts,
                                               const GenerationOptions& options);

 private:
  struct Row {
    std::size_t index = 0;  // among the texts of the call: drawn tokens depend on it
    Tokens tokens;          // text and answer so far, a stop token too
    Tokens answer;
    bool is_open = true;
  };
  /// Rows that go through the network together.
  struct Batch {
    std::vector<Row> rows;
    KvCache& cache;
    at::Tensor addend = {};
    bool is_long = false;  // long-rope's frequencies for long texts are in use
  };
  [[nodiscard]] Tokens run_single(const Tokens& text, const GenerationOptions& options);
  /// Extends rows until all have ended; rows that ended early may be dropped, their answers are in `answers`.
  /// `states` [rows, new, hidden] are those of the last columns of the cache.
  void extend(Batch& batch, at::Tensor states, const GenerationOptions& options, std::span<Tokens> answers);
  void choose(Row& row, std::span<const float> logits, const GenerationOptions& options) const;
  /// The last token of every row through the network.
  [[nodiscard]] at::Tensor feed(Batch& batch);
  [[nodiscard]] at::Tensor pass(const at::Tensor& tokens, Batch& batch);

  CausalNetwork& network_;
  KvCache kept_;
  Tokens kept_tokens_;  // what kept_ holds
  bool kept_is_long_ = false;
};

/// Texts in batches that share one pass: of similar lengths, bounded in memory by keys and values of text and answer.
/// For long-rope, texts that use other frequencies, or that come to use them while they grow, do not mix.
[[nodiscard]] std::vector<std::vector<std::size_t>> plan_generation(std::span<const Tokens> texts,
                                                                    const CausalConfig& config,
                                                                    std::size_t max_new_tokens);

/// [rows, longest], padded on the left; and how much.
struct PaddedTokens {
  at::Tensor tokens;
  std::vector<std::int64_t> padding;
};
[[nodiscard]] PaddedTokens pad_left(std::span<const Tokens* const> rows);

}  // namespace larimar::model
