#pragma once
// A causal language model of a Hugging Face folder: GPT-2, Llama, Mistral or Phi-3. No LibTorch here.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/text/tokenizer.h"

namespace larimar::model {

/// How the next token is chosen. Drawn tokens depend on seed, row and position alone, not on the batch.
struct Sampling {
  double temperature = 0;  // 0: the most likely token
  std::size_t top_k = 0;   // 0: all
  double top_p = 1;        // 1: all
  std::uint64_t seed = 0;
};

struct GenerationOptions {
  std::size_t max_new_tokens = 64;
  std::vector<text::TokenId> stop = {};  // each of them ends a text and is left out
  Sampling sampling = {};
  std::size_t beams = 1;  // above 1: beam search, which needs temperature 0
};

/// Where and how numbers are computed.
struct Placement {
  std::string device = "cpu";     // "cpu", "cuda", "cuda:1"
  std::string dtype = "float32";  // "float32", "bfloat16", "float16"
};

/// Not thread-safe; owns its weights. All calls are local and throw ShapeError for an empty prompt, a token outside the
/// vocabulary, or a text that would outgrow positions(); ConfigError for options that contradict each other;
/// NumericalError if logits are not finite.
class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  [[nodiscard]] virtual std::string architecture() const = 0;  // "llama", as config.json's model_type
  [[nodiscard]] virtual std::int64_t vocabulary() const = 0;
  [[nodiscard]] virtual std::size_t positions() const = 0;  // tokens of prompt and answer together

  /// Continues each prompt; answers without the prompt, in its order. Prompts of different lengths are padded on the
  /// left and masked, so that a row's tokens do not depend on its neighbours but in the last bits of its logits.
  /// A single prompt takes over the keys and values of the last single prompt as far as both begin alike, so that many
  /// questions about one long text cost one pass over it.
  /// Cost  one pass over the prompts, then one position of all open rows a token.
  [[nodiscard]] virtual std::vector<std::vector<text::TokenId>> generate(
      std::span<const std::vector<text::TokenId>> prompts, const GenerationOptions& options) = 0;

  /// Mean over its tokens of log p(token | prompt, tokens before), for each pair. Both are batched and padded.
  [[nodiscard]] virtual std::vector<double> mean_log_probability(
      std::span<const std::vector<text::TokenId>> prompts,
      std::span<const std::vector<text::TokenId>> continuations) = 0;

  /// Logits at every position of one text: [tokens, vocabulary].
  [[nodiscard]] virtual linalg::Matrix logits(std::span<const text::TokenId> tokens) = 0;
};

/// Reads config.json and the weights of a folder.
/// Throws MissingInputError or FormatError (all missing, unknown and misshapen tensors listed at once, with expected and
/// found shapes; unknown architectures with the list of known ones); ConfigError for a device or dtype that is not there.
[[nodiscard]] std::unique_ptr<LanguageModel> load_language_model(const std::filesystem::path& folder,
                                                                 const Placement& placement);

}  // namespace larimar::model
