#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "common/model/compact_config.h"

namespace larimar::model {

/// A language model that reads codes as past positions, as config.json holds it ("architecture": "larimar-injected"). The language
/// model itself is not in the folder: it is found by the hash of its embedding.
struct InjectionConfig {
  // Of the codes: as in the CompactConfig of the encoder that makes them.
  std::int64_t pieces = 8192;     // vocabulary of its tokenizer
  std::int64_t positions = 64;    // T: most past positions m of a code
  std::int64_t latents = 16;      // of a code
  std::int64_t latent_size = 48;  // c
  std::int64_t end_id = 2;        // its end of text
  // Of the network that makes positions of them.
  std::int64_t width = 256;
  std::int64_t heads = 4;
  std::int64_t layers = 4;
  // Of the language model.
  std::int64_t hidden = 576;  // size of an embedding
  std::int64_t rank = 8;      // of the adapters
  std::string codes_of;       // id of the encoder (launch/model_ids.h)
  std::string language_hash;  // XXH3 of the language model's embedding, as it is stored

  [[nodiscard]] std::int64_t code_size() const { return latents * latent_size; }
  [[nodiscard]] std::int64_t group() const { return positions / latents; }
};

/// Text of a language model around a code: begin, the code's positions, between, the text that is recalled, end. A chat's marks, which
/// its tokenizer has as one token each.
inline constexpr const char* kInjectionBegin = "<|im_start|>";
inline constexpr const char* kInjectionEnd = "<|im_end|>";  // also between

inline constexpr const char* kInjectedArchitecture = "larimar-injected";

/// Sizes of a code are taken over from the model that makes it. Local.
void take_codes_of(InjectionConfig& config, const CompactConfig& codes);

/// Throws MissingInputError or FormatError naming file and field.
[[nodiscard]] InjectionConfig read_injection_config(const std::filesystem::path& folder);

[[nodiscard]] nlohmann::json to_json(const InjectionConfig& config);

}  // namespace larimar::model
