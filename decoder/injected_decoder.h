#pragma once
// A language model that reads codes as past positions. No LibTorch type here.
#include <filesystem>
#include <memory>

#include "common/model/encoders.h"
#include "common/model/language_model.h"

namespace larimar::decoder {

/// `folder` holds an injection and adapters as `larimar train --codes-of` writes them, `language` the language model that they are for.
/// Each code becomes past positions (common/model/injection.h). decode() says what the injection finds at them, all pieces at once;
/// complete() has the language model go on from positions and words. Adapters are added to the weights as they are read, so a token costs
/// what it costs without them.
/// Tokens of decode() are those of the codes' encoder, tokens of complete() those of the language model.
/// Throws MissingInputError or FormatError for the folders, with all tensors that do not fit; ConfigError for a device or type that
/// this machine lacks.
[[nodiscard]] std::unique_ptr<model::CodeReader> load_injected_decoder(const std::filesystem::path& folder,
                                                                       const std::filesystem::path& language,
                                                                       const model::Placement& placement);

}  // namespace larimar::decoder
