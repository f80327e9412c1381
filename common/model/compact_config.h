#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace larimar::model {

/// Sizes of a larimar-compact model, as config.json holds them.
struct CompactConfig {
  std::int64_t vocabulary = 8192;
  std::int64_t positions = 64;    // T: tokens of a segment, end-of-text included
  std::int64_t latents = 16;      // m
  std::int64_t latent_size = 48;  // c; the code has C = m c floats
  std::int64_t width = 256;       // d
  std::int64_t heads = 4;
  std::int64_t encoder_layers = 2;
  std::int64_t decoder_layers = 2;
  std::int64_t pad_id = 0, bos_id = 1, eos_id = 2;

  [[nodiscard]] std::int64_t code_size() const { return latents * latent_size; }
  [[nodiscard]] std::int64_t group() const { return positions / latents; }  // tokens a latent
};

/// Reads and checks config.json: every field present, positive and consistent (latents divide positions, heads divide
/// width). Throws MissingInputError or FormatError naming the file and the field.
[[nodiscard]] CompactConfig read_compact_config(const std::filesystem::path& path);

[[nodiscard]] nlohmann::json to_json(const CompactConfig& config);

}  // namespace larimar::model
