#pragma once
// The decoder of a Larimar checkpoint as a CodeDecoder. No LibTorch type here.
#include <filesystem>
#include <memory>

#include "common/model/encoders.h"
#include "common/model/language_model.h"

namespace larimar::decoder {

/// GPT-2 with the code injected as a past position and into the embeddings. Greedy from BOS until EOS or the model's
/// segment length. Tokens are those of decoder/tokenizer.json.
/// Source  2403.11901 and its reference code.
/// Throws MissingInputError or FormatError for the folder; ConfigError for a device or type that this machine lacks.
[[nodiscard]] std::unique_ptr<model::CodeDecoder> load_larimar_decoder(const std::filesystem::path& folder,
                                                                       const model::Placement& placement);

}  // namespace larimar::decoder
