#pragma once
#include <string_view>
#include <vector>

#include "common/text/tokenizer.h"

namespace larimar::text {

/// Cuts one word into pieces: the "model" of a tokenizer.json. Immutable, thread-safe.
class PieceModel {
 public:
  virtual ~PieceModel() = default;
  /// Appends the ids of the pieces. The word is not empty and may hold any bytes.
  virtual void encode(std::string_view word, std::vector<TokenId>& ids) const = 0;
};

}  // namespace larimar::text
