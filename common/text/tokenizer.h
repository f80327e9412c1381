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

/// What decoding does with special tokens such as "</s>".
enum class SpecialTokens : std::uint8_t { kSkip, kKeep };

/// Decoding in pieces: what push() and finish() return, put together, is what decode() gives for all ids at once.
/// Belongs to one thread; must not outlive its tokenizer. Bytes may be cut anywhere: see StreamDecoder for whole code points.
class DecodeState {
 public:
  virtual ~DecodeState() = default;
  [[nodiscard]] virtual std::string push(TokenId id) = 0;
  [[nodiscard]] virtual std::string finish() = 0;
};

/// Text to token ids and back, equal to the Hugging Face tokenizer of the same tokenizer.json. Immutable, thread-safe.
/// No encode adds tokens that the text does not hold: with_specials() does that. Ids are 0 .. size() - 1.
/// Local; cost O(n log n) in the text at most.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// For text that comes from outside. With BPE the names of special tokens are ordinary text here, so that no document
  /// can forge them. Takes any bytes.
  [[nodiscard]] virtual std::vector<TokenId> encode(std::string_view text) const = 0;

  /// For text that the program wrote, such as a chat template: the names of all added tokens become their ids.
  [[nodiscard]] virtual std::vector<TokenId> encode_marked(std::string_view text) const { return encode(text); }

  /// Text of the ids without special tokens; ids that do not exist are left out.
  [[nodiscard]] virtual std::string decode(std::span<const TokenId> ids) const = 0;

  /// As decode(), with special tokens by their names.
  [[nodiscard]] virtual std::string decode_marked(std::span<const TokenId> ids) const { return decode(ids); }

  /// Decoding id by id. Unless overridden, each id is decoded alone, which is right where pieces do not look at neighbours.
  [[nodiscard]] virtual std::unique_ptr<DecodeState> start_decode(SpecialTokens specials) const;

  /// What the file's post-processor makes of one text: [CLS] .. [SEP] for BERT, <s> .. for Llama, nothing for GPT-2.
  [[nodiscard]] virtual std::vector<TokenId> with_specials(std::vector<TokenId> ids) const { return ids; }

  /// Number of ids, added tokens beyond the model's vocabulary among them.
  [[nodiscard]] virtual TokenId size() const = 0;

  /// Id of a piece or added token by its text, for example "</s>". Throws FormatError if there is none.
  [[nodiscard]] virtual TokenId id_of(std::string_view piece) const = 0;
};

/// Reads a tokenizer.json, or a folder: its tokenizer.json, else vocab.txt (BERT; options from tokenizer_config.json), else
/// vocab.json and merges.txt (GPT-2). The kind (BPE byte-level or with byte fallback, WordPiece) is taken from the file.
/// Throws MissingInputError or FormatError naming file and field; what would change ids and is not built in is refused.
[[nodiscard]] std::unique_ptr<const Tokenizer> load_tokenizer(const std::filesystem::path& path);

}  // namespace larimar::text
