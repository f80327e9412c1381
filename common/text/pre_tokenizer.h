#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/text/json_part.h"

namespace larimar::text {

/// Words of a text. They are views of the text that was cut or of `changed`, so this must not be copied or moved.
struct Words {
  Words() = default;
  Words(const Words&) = delete;
  Words& operator=(const Words&) = delete;
  std::string changed;
  std::vector<std::string_view> all;
};

/// Cuts text into the words that no piece crosses: the "pre_tokenizer" of a tokenizer.json. Immutable, thread-safe.
/// Known: none (the text is one word), ByteLevel with or without Digits or GPT-2's own pattern as a Split before it,
/// Metaspace, BertPreTokenizer.
class PreTokenizer {
 public:
  /// From the root of the file. Throws FormatError naming a step or option that is not known.
  explicit PreTokenizer(const JsonPart& root);

  /// Must the model take words as bytes?
  [[nodiscard]] bool is_byte_level() const { return kind_ == Kind::kByteLevel; }
  /// `at_start`: nothing of the document stands before this text. Needs an empty `words`. Cost linear in the text.
  void split(std::string_view text, bool at_start, Words& words) const;

 private:
  enum class Kind : std::uint8_t { kNone, kByteLevel, kMetaspace, kBert };
  enum class Prepend : std::uint8_t { kAlways, kFirst, kNever };
  void read_step(const JsonPart& step, bool is_last);
  void read_byte_level(const JsonPart& step);
  void read_metaspace(const JsonPart& step);
  void read_split(const JsonPart& step);
  void split_metaspace(std::string_view text, bool at_start, Words& words) const;

  Kind kind_ = Kind::kNone;
  bool digits_ = false;          // each digit alone
  bool pattern_ = false;         // GPT-2's words
  bool blank_in_front_ = false;  // ByteLevel: a blank before a text that has none
  std::string blank_;            // Metaspace: what stands for a blank
  Prepend prepend_ = Prepend::kAlways;
  bool split_ = true;
};

}  // namespace larimar::text
