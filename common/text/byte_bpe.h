#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/text/tokenizer.h"

namespace larimar::text {

/// Byte-level BPE with the word pattern of GPT-2, optionally with every digit cut off first (as SmolLM2 does).
/// Every byte has a piece, so decode(encode(x)) == x for any bytes. The names of special tokens are ordinary text here
/// ("</s>" becomes pieces, not the id 2), so that no document can forge them. Immutable, thread-safe.
class ByteBpeTokenizer : public Tokenizer {
 public:
  /// From a parsed tokenizer.json; `source` is named in errors. Throws FormatError naming the field.
  ByteBpeTokenizer(const nlohmann::json& root, const std::filesystem::path& source);

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text) const override;
  [[nodiscard]] std::string decode(std::span<const TokenId> ids) const override;
  [[nodiscard]] TokenId size() const override { return static_cast<TokenId>(pieces_.size()); }
  [[nodiscard]] TokenId id_of(std::string_view piece) const override;

 private:
  struct Merge {
    std::uint32_t rank;
    TokenId result;
  };
  void check_options(const nlohmann::json& root) const;
  void read_vocabulary(const nlohmann::json& root);
  void read_merges(const nlohmann::json& root);
  void read_pre_tokenizer(const nlohmann::json& root);
  void encode_short_word(std::string_view word, std::vector<TokenId>& ids) const;
  void encode_long_word(std::string_view word, std::vector<TokenId>& ids) const;
  [[nodiscard]] const Merge* find_merge(TokenId left, TokenId right) const;

  std::filesystem::path source_;
  std::unordered_map<std::string, TokenId> vocabulary_;  // by the printable form of the piece
  std::vector<std::string> pieces_;                      // bytes of each id; empty for specials
  std::array<TokenId, 256> byte_ids_{};
  std::unordered_map<std::uint64_t, Merge> merges_;  // by (left << 32 | right)
  bool split_digits_ = false;
};

/// Cuts a text into the words that BPE never crosses: GPT-2's pattern
///   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// with each numeric code point alone first if split_digits. Concatenated words give the text. Views into `text`.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text, bool split_digits);

}  // namespace larimar::text
