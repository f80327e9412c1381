#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "common/model/json_fields.h"
#include "common/model/safetensors_check.h"

namespace larimar::model {

/// The sizes of a BERT, checked against each other.
struct BertConfig {
  std::uint64_t vocabulary = 0;
  std::uint64_t hidden = 0;  // a multiple of heads
  std::uint64_t layers = 0;
  std::uint64_t heads = 0;
  std::uint64_t intermediate = 0;  // width inside the feed-forward part
  std::uint64_t positions = 0;
  std::uint64_t token_types = 0;
  double norm_epsilon = 0;
};

/// From an object with the fields of Hugging Face's BertConfig.
/// Throws FormatError naming file and field for another architecture or activation and for sizes that do not fit together.
[[nodiscard]] BertConfig read_bert_config(const JsonFields& fields);

/// The tensors that such a network needs, their names after `prefix`; with the pooler's if it is wanted.
[[nodiscard]] TensorShapes bert_tensors(const BertConfig& config, const std::string& prefix, bool pooler);

}  // namespace larimar::model
