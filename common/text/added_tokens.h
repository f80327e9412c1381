#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/text/json_part.h"
#include "common/text/normalizer.h"
#include "common/text/tokenizer.h"
#include "common/text/vocabulary.h"

namespace larimar::text {

/// A token that is found in the text before words are cut: "<s>", "[MASK]", a run of blanks.
struct AddedToken {
  std::string text;
  TokenId id = 0;
  bool special = false;      // left out by decode()
  bool single_word = false;  // not inside a longer word
  bool left_strip = false;   // takes the blanks before it, or behind it
  bool right_strip = false;
  bool normalized = false;  // looked for in the normalised text
};

/// A stretch of a text: an added token, or text without one (id kText).
struct TextPart {
  static constexpr TokenId kText = -1;
  TokenId id = kText;
  std::string_view text;
};

/// Finds the longest of several words that starts at a place. Immutable, thread-safe.
class WordTrie {
 public:
  WordTrie() : nodes_(1) {}
  /// Of equal words the first one counts. Empty words are ignored.
  void add(std::string_view word, std::size_t value);
  struct Match {
    std::size_t begin = std::string_view::npos, length = 0, value = 0;
  };
  /// The leftmost longest match at or behind `from`; begin is npos if there is none. Cost (text + longest word) a match.
  [[nodiscard]] Match find(std::string_view text, std::size_t from) const;

 private:
  static constexpr std::uint32_t kNone = 0;  // no edge leads to the root
  static constexpr std::size_t kNoValue = static_cast<std::size_t>(-1);
  struct Node {
    std::vector<std::pair<unsigned char, std::uint32_t>> next;
    std::size_t value = kNoValue;
  };
  [[nodiscard]] std::uint32_t step(std::uint32_t node, unsigned char byte) const;

  std::vector<Node> nodes_;
  std::array<std::uint32_t, 256> first_{};  // the root's edges: nearly every byte of a text asks here and goes on
};

/// All added tokens of a file. Immutable, thread-safe.
class AddedTokens {
 public:
  /// From "added_tokens" of the root, which may be absent. Throws FormatError if a token's id is neither that of the same
  /// piece nor the next one behind the vocabulary, or if a text stands twice.
  AddedTokens(const JsonPart& root, const Vocabulary& vocabulary, const Normalizer& normalizer);

  [[nodiscard]] const std::vector<AddedToken>& all() const { return tokens_; }
  [[nodiscard]] bool has_plain() const { return has_plain_; }  // any that is not special

  /// Cuts the raw text at tokens that are looked for there, or the normalised text at the others. With
  /// `specials_are_text` the names of special tokens stay text. No part of text is empty.
  [[nodiscard]] std::vector<TextPart> split_raw(std::string_view text, bool specials_are_text) const;
  [[nodiscard]] std::vector<TextPart> split_normalized(std::string_view text, bool specials_are_text) const;

 private:
  [[nodiscard]] std::vector<TextPart> split(const WordTrie& trie, std::string_view text, bool specials_are_text) const;

  std::vector<AddedToken> tokens_;
  WordTrie raw_, normalized_;
  bool has_plain_ = false;
};

}  // namespace larimar::text
