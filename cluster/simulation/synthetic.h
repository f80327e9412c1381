#pragma once
#include <cstdint>
#include <filesystem>

namespace larimar::simulation {

/// Codes and keys that any number of ranks must read alike. Everything follows from the seed.
struct Synthetic {
  std::uint64_t rows = 4096;    // segments
  std::uint64_t queries = 195;  // read keys
  std::uint64_t code_size = 768;
  std::uint64_t key_size = 384;
  std::uint64_t seed = 1;
};

/// Writes codes.safetensors (z, keys, ids) and queries.safetensors (keys) into the folder. Keys have unit length; every
/// sixteenth is that of an earlier segment, so that equal scores meet; read keys lie near stored ones, the last near none.
/// Local. Throws as model::write_safetensors.
void make_synthetic(const std::filesystem::path& folder, const Synthetic& sizes);

}  // namespace larimar::simulation
