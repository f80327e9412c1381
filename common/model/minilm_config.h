#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "common/model/safetensors_check.h"

namespace larimar::model {

/// The sizes of a BERT sentence encoder, checked against each other.
struct MiniLmConfig {
  std::uint64_t vocabulary = 0;
  std::uint64_t hidden = 0;  // width of a key; a multiple of heads
  std::uint64_t layers = 0;
  std::uint64_t heads = 0;
  std::uint64_t intermediate = 0;  // width inside the feed-forward part
  std::uint64_t positions = 0;
  std::uint64_t token_types = 0;
  double norm_epsilon = 0;
  std::size_t max_tokens = 0;  // of one text, [CLS] and [SEP] included; at most positions
};

/// Reads config.json, and sentence_bert_config.json and 1_Pooling/config.json where they exist.
/// Throws MissingInputError without config.json; FormatError naming file and field for anything that this encoder is not:
/// another architecture or activation, sizes that do not fit together, pooling other than the mean.
[[nodiscard]] MiniLmConfig read_minilm_config(const std::filesystem::path& folder);

/// The tensors that such a network needs.
[[nodiscard]] TensorShapes minilm_tensors(const MiniLmConfig& config);

}  // namespace larimar::model
