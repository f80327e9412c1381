#pragma once
#include <memory>
#include <span>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/model/minilm_config.h"
#include "common/model/safetensors.h"
#include "common/text/tokenizer.h"

namespace larimar::model {

/// BERT's layers, mean pooling and normalisation. Owns its weights and the mapped file. Not thread-safe.
class MiniLmNetwork {
 public:
  /// Throws FormatError if tensors are missing or of another shape.
  MiniLmNetwork(SafetensorsFile file, const MiniLmConfig& config);
  MiniLmNetwork(const MiniLmNetwork&) = delete;
  MiniLmNetwork& operator=(const MiniLmNetwork&) = delete;
  ~MiniLmNetwork();

  /// Token ids with specials, sorted by length, none empty and none above max_tokens, ids below the vocabulary's size.
  /// Returns keys [sequences, hidden] of unit length. Throws NumericalError if one is not finite.
  [[nodiscard]] linalg::Matrix keys(std::span<const std::vector<text::TokenId>> sequences) const;

 private:
  struct Weights;
  SafetensorsFile file_;
  MiniLmConfig config_;
  std::unique_ptr<const Weights> weights_;
};

}  // namespace larimar::model
