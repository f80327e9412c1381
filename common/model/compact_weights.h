#pragma once
// Weights of larimar-compact between safetensors and the network. LibTorch types.
#include <filesystem>
#include <map>
#include <string>

#include "common/model/compact_network.h"
#include "common/model/safetensors.h"

namespace larimar::model {

/// The network of a model folder, with its weights, for inference. Throws as load_weights and SafetensorsFile do.
[[nodiscard]] CompactNetwork load_network(const std::filesystem::path& folder, const CompactConfig& config);

/// Copies every parameter from the file. Throws FormatError that lists all missing, unknown and misshapen tensors at once,
/// with expected and found shapes. F32 and F16 are read; the network stays float32.
void load_weights(CompactNetworkImpl& network, const SafetensorsFile& file);

/// Writes all parameters as F16 (halves the file; the loss of precision is measured in the model card) or F32.
enum class StoredPrecision { kFloat16, kFloat32 };
void save_weights(CompactNetworkImpl& network, const std::filesystem::path& path, StoredPrecision precision,
                  const std::map<std::string, std::string>& metadata);

}  // namespace larimar::model
