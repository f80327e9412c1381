#pragma once
// An injection, read from its folder and put together with the language model that it is for. LibTorch types.
#include <filesystem>
#include <memory>

#include "common/model/causal_network.h"
#include "common/model/injection.h"
#include "common/model/injection_config.h"
#include "common/text/tokenizer.h"

namespace larimar::model {

struct InjectionParts {
  InjectionConfig config;
  Injection injection{nullptr};             // float32, on the language model's device
  std::unique_ptr<CausalNetwork> language;  // with the adapters in its weights
  text::TokenId begin = 0, end = 0;         // what stands before a code, and behind a text
};

/// `options` are the language model's. Whether it is the one that was trained with is for the caller to see (config.language_hash).
/// Throws MissingInputError; FormatError naming file and all tensors that are missing or do not fit, another family, or a tokenizer
/// without the marks of a chat. Local.
[[nodiscard]] InjectionParts load_injection(const std::filesystem::path& folder, const std::filesystem::path& language,
                                            const at::TensorOptions& options);

}  // namespace larimar::model
