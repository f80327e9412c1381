#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>

#include "common/model/encoders.h"

namespace larimar::model {

struct MiniLmOptions {
  std::size_t batch_tokens = 2048;  // of one pass through the network; more need more memory
  Arithmetic arithmetic = Arithmetic::kFloat;
  std::string device = "cpu";  // or "cuda:N"; keys come back to the CPU
};

/// The sentence encoder all-MiniLM-L6-v2, or another BERT with mean pooling, from its folder: config.json,
/// model.safetensors, tokenizer.json and, where present, sentence_bert_config.json and 1_Pooling/config.json.
/// A text longer than the folder's limit (256 pieces, [CLS] and [SEP] included) counts with its beginning only.
/// Rows are equal to those of the Python reference to 1e-4 in each component, in integers to 2e-3.
/// Throws MissingInputError or FormatError; wrong and missing tensors are listed all at once with their shapes; ConfigError
///         for a device that is not there, and for integers beside the CPU.
///         encode(): NumericalError if a key is not finite, which only damaged weights cause.
/// Cost    about 10.6 million multiply-adds a token for six layers of width 384; word embeddings stay in the mapped file.
[[nodiscard]] std::unique_ptr<KeyEncoder> load_minilm(const std::filesystem::path& folder,
                                                      const MiniLmOptions& options = {});

/// The key of each piece of the vocabulary alone, between [CLS] and [SEP]: [vocabulary, D], by id.
/// Throws as load_minilm and its encode(). Local.
/// Cost    three tokens a piece: about half a minute of one core for the 30,522 pieces of all-MiniLM-L6-v2.
[[nodiscard]] linalg::Matrix encode_vocabulary(const std::filesystem::path& folder, const MiniLmOptions& options = {});

}  // namespace larimar::model
