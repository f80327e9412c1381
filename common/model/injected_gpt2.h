#pragma once
// Larimar's decoder: GPT-2 that is told a code. No LibTorch here.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/causal_config.h"
#include "common/model/checkpoint.h"
#include "common/model/json_fields.h"
#include "common/model/language_model.h"

namespace larimar::model {

struct InjectedGpt2Config {
  CausalConfig network;
  std::uint64_t code_size = 0;  // C
  bool is_past = true;          // the code is a past position of every layer
  bool is_embedding = true;     // the code is added to every token's embedding
};

/// From the fields of a GPT-2, where "latent_as_gpt_memory" and "latent_as_gpt_emb" switch the two ways; both are true
/// where they are absent. A "latent_size", if there is one, must be `code_size`.
/// Throws FormatError naming file and field, also for another architecture and for a code that goes in neither way.
[[nodiscard]] InjectedGpt2Config read_injected_gpt2_config(const JsonFields& fields, std::uint64_t code_size);

struct InjectedGeneration {
  text::TokenId bos = 0;  // what a text begins with
  text::TokenId eos = 0;  // what it ends with; left out
  std::size_t max_new_tokens = 64;
  std::size_t batch = 32;  // codes that go through the network together
};

/// GPT-2 with a code z [C] put in, in one way or both (arXiv 2403.11901):
///   past       z -> transformer.linear [layers * hidden, C] -> a vector for each layer, used as the key and as the value
///              of one position before the text, whose positions therefore start at 1
///   embedding  z -> transformer.linear_emb [hidden, C], added to the embedding of every token
/// Owns its weights. Not thread-safe. All calls are local.
class InjectedGpt2 {
 public:
  /// The names of the checkpoint's tensors begin with `prefix`, for example "decoder.".
  /// Throws FormatError listing all tensors that are missing, unknown or misshapen; ConfigError for a device or type that
  /// is not there.
  InjectedGpt2(std::shared_ptr<const Checkpoint> checkpoint, const InjectedGpt2Config& config,
               const std::string& prefix, const Placement& placement);
  InjectedGpt2(const InjectedGpt2&) = delete;
  InjectedGpt2& operator=(const InjectedGpt2&) = delete;
  ~InjectedGpt2();

  [[nodiscard]] linalg::Index code_size() const;
  [[nodiscard]] std::int64_t vocabulary() const;
  /// Tokens of one text, begin and end included.
  [[nodiscard]] std::size_t positions() const;

  /// Scores of the next token after each token of a text, given a code [1, C]: [tokens, vocabulary].
  /// Throws ShapeError for a code of another size, and as LanguageModel does for the tokens.
  [[nodiscard]] linalg::Matrix logits(linalg::ConstMatrixRef code, std::span<const text::TokenId> tokens);

  /// The likeliest token after the other for each code [B, C], without begin and end.
  /// Throws ShapeError for codes of another size, more tokens than positions, or a special id outside the vocabulary;
  /// NumericalError if logits are not finite.
  [[nodiscard]] std::vector<std::vector<text::TokenId>> decode(linalg::ConstMatrixRef codes,
                                                               const InjectedGeneration& options);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace larimar::model
