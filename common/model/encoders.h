#pragma once
// What shards and the coordinator know of networks. No LibTorch here: implementations hide it.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/linalg/matrix.h"
#include "common/text/tokenizer.h"

namespace larimar::model {

/// How an encoder's linear layers multiply. kInteger: common/linalg/integer_linear.h, faster and a little less exact.
enum class Arithmetic { kFloat, kInteger };

/// Segments to codes. Not thread-safe; owns its weights.
class CodeEncoder {
 public:
  virtual ~CodeEncoder() = default;
  [[nodiscard]] virtual linalg::Index code_size() const = 0;  // C
  [[nodiscard]] virtual std::size_t max_tokens() const = 0;   // pieces of one segment, end-of-text not counted
  /// Token ids of each segment (no specials, 1 ... max_tokens) to codes [segments, C].
  /// A row depends on the whole batch only in its last bits: cut batches the same way for the same bits.
  /// Throws ShapeError for a segment that is empty or too long. Local.
  [[nodiscard]] virtual linalg::Matrix encode(std::span<const std::vector<text::TokenId>> segments) = 0;
};

/// Texts to read and write keys, of unit length so that a dot product is a cosine, unless said otherwise (KeyLength::kCodes).
/// Not thread-safe; owns its weights.
class KeyEncoder {
 public:
  virtual ~KeyEncoder() = default;
  [[nodiscard]] virtual linalg::Index key_size() const = 0;  // D
  [[nodiscard]] virtual std::string name() const = 0;        // as --keys calls it
  /// Texts (valid UTF-8, may be empty) to keys [texts, D]. Local.
  [[nodiscard]] virtual linalg::Matrix encode(std::span<const std::string> texts) = 0;
};

/// Codes back to tokens: greedy generation conditioned on each row.
class CodeDecoder {
 public:
  virtual ~CodeDecoder() = default;
  [[nodiscard]] virtual linalg::Index code_size() const = 0;
  /// codes [segments, C] to the token ids of each segment, end-of-text removed; at most max_tokens each. Local.
  /// Throws ShapeError if the width differs from code_size().
  [[nodiscard]] virtual std::vector<std::vector<text::TokenId>> decode(linalg::ConstMatrixRef codes) = 0;
};

/// A stretch of a prompt: tokens, or else the text that a code holds.
struct PromptPart {
  std::vector<text::TokenId> tokens;
  std::span<const float> code = {};  // [C]; borrowed
};

/// A decoder that reads codes as it reads words: they may stand anywhere in a prompt.
class CodeReader : public CodeDecoder {
 public:
  /// Greedy, until the end of a turn or max_new_tokens. The last part of the prompt has tokens.
  /// Throws ShapeError for a code of another size, for a prompt without an end in tokens, and for one that is too long. Local.
  [[nodiscard]] virtual std::vector<text::TokenId> complete(std::span<const PromptPart> prompt,
                                                            std::size_t max_new_tokens) = 0;
};

}  // namespace larimar::model
