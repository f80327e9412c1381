#pragma once
// larimar-compact as a CodeEncoder, and the parts of its folder. No LibTorch here.
#include <filesystem>
#include <memory>
#include <string>

#include "common/model/compact_config.h"
#include "common/model/encoders.h"

namespace larimar::model {

/// The encoder of a model folder (config.json, model.safetensors, tokenizer.json) on a device ("cpu" or "cuda:N"); codes come back
/// to the CPU. Where the device has no memory for a batch, parts of it go one after the other.
/// Throws MissingInputError or FormatError; missing, unknown and misshapen tensors are listed all at once. ConfigError for a device
/// that is not there, and for integers beside the CPU.
[[nodiscard]] std::unique_ptr<CodeEncoder> load_compact_encoder(const std::filesystem::path& folder,
                                                                Arithmetic arithmetic = Arithmetic::kFloat,
                                                                const std::string& device = "cpu");

}  // namespace larimar::model
