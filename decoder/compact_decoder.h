#pragma once
// The decoder of larimar-compact. No LibTorch type here.
#include <filesystem>
#include <memory>
#include <string>

#include "common/model/encoders.h"

namespace larimar::decoder {

/// The decoder of a model folder on a device ("cpu", "cuda" or "cuda:1"). Greedy: at each position the piece with the
/// highest score, until end-of-text or the model's T positions. The keys and values of past positions are kept, so a
/// token costs one pass over one position.
/// Throws MissingInputError or FormatError for the folder; ConfigError for a device that this machine lacks.
[[nodiscard]] std::unique_ptr<model::CodeDecoder> load_compact_decoder(const std::filesystem::path& folder,
                                                                       const std::string& device);

}  // namespace larimar::decoder
