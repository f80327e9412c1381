#pragma once
#include <cstdint>
#include <filesystem>

#include "train/batches.h"
#include "train/flat_parameters.h"

namespace larimar::train {

/// Everything a run needs to go on: weights, moments, average, step, position in the data.
struct Progress {
  std::int64_t step = 0;
  StreamPosition stream;
  double seconds = 0;  // spent so far
};

/// Writes out/checkpoint.safetensors atomically (the previous one stays until the new one is complete).
void save_checkpoint(const std::filesystem::path& path, FlatParameters& parameters, const AdamW& optimiser,
                     const Progress& progress);

/// Reads it back into the parameters and the optimiser. Throws FormatError if the sizes are of another model.
[[nodiscard]] Progress load_checkpoint(const std::filesystem::path& path, FlatParameters& parameters, AdamW& optimiser);

}  // namespace larimar::train
