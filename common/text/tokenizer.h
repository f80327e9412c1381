#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace larimar::text {

using TokenId = std::int32_t;

/// Text to token ids and back, equal to the Hugging Face tokenizer of the same tokenizer.json. Immutable, thread-safe.
/// encode() adds no special tokens. Local; cost linear in the text.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  [[nodiscard]] virtual std::vector<TokenId> encode(std::string_view text) const = 0;
  [[nodiscard]] virtual std::string decode(std::span<const TokenId> ids) const = 0;
  [[nodiscard]] virtual TokenId size() const = 0;
  /// Id of a special token by its text, for example "</s>". Throws FormatError if the vocabulary lacks it.
  [[nodiscard]] virtual TokenId id_of(std::string_view piece) const = 0;
};

/// Reads tokenizer.json; the kind (byte-level BPE, WordPiece) is taken from the file.
/// Throws MissingInputError or FormatError naming the file and the field.
[[nodiscard]] std::unique_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace larimar::text
