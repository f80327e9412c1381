#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "common/model/bert_config.h"

namespace larimar::model {

/// What a folder's config.json says it holds: its "architecture", or else its "model_type".
/// Throws MissingInputError or FormatError naming the file if there is neither.
[[nodiscard]] std::string read_architecture(const std::filesystem::path& folder);

/// A Larimar of the paper (BERT encoder, code, injected GPT-2) as `larimar convert` writes it; the decoder's part is read
/// where the decoder is.
///   config.json         "architecture": "larimar", code_size, segment_tokens, encoder {BertConfig}, decoder {GPT2Config}
///   model.safetensors   encoder.*, encoder.linear.weight [2 C, hidden], decoder.*, memory.memory_mean [K, C]
///   m0.safetensors      the key memory alone: m0 [K, C]
///   encoder/, decoder/  a tokenizer each
struct LarimarConfig {
  std::uint64_t code_size = 0;     // C
  std::size_t segment_tokens = 0;  // of one segment, [CLS] and [SEP] included; at most the encoder's positions
  BertConfig encoder;
};

/// Throws MissingInputError or FormatError naming file and field.
[[nodiscard]] LarimarConfig read_larimar_config(const std::filesystem::path& folder);

}  // namespace larimar::model
