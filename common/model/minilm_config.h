#pragma once
#include <cstddef>
#include <filesystem>

#include "common/model/bert_config.h"

namespace larimar::model {

/// A BERT sentence encoder with mean pooling; `hidden` is the width of a key.
struct MiniLmConfig : BertConfig {
  std::size_t max_tokens = 0;  // of one text, [CLS] and [SEP] included; at most positions
};

/// Reads config.json, and sentence_bert_config.json and 1_Pooling/config.json where they exist.
/// Throws MissingInputError without config.json; FormatError naming file and field for anything that this encoder is not:
/// another architecture or activation, sizes that do not fit together, pooling other than the mean.
[[nodiscard]] MiniLmConfig read_minilm_config(const std::filesystem::path& folder);

}  // namespace larimar::model
