#pragma once
// larimar-compact as a CodeEncoder, and the parts of its folder. No LibTorch here.
#include <filesystem>
#include <memory>

#include "common/model/compact_config.h"
#include "common/model/encoders.h"

namespace larimar::model {

/// The encoder of a model folder (config.json, model.safetensors, tokenizer.json), on the CPU.
/// Throws MissingInputError or FormatError; missing, unknown and misshapen tensors are listed all at once.
[[nodiscard]] std::unique_ptr<CodeEncoder> load_compact_encoder(const std::filesystem::path& folder,
                                                                Arithmetic arithmetic = Arithmetic::kFloat);

}  // namespace larimar::model
