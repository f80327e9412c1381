#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "common/text/json_part.h"
#include "common/text/word_piece_words.h"

namespace larimar::text {

/// What is done to a text before it is cut into words: the "normalizer" of a tokenizer.json. Immutable, thread-safe.
/// Known: Sequence, Prepend, Replace (of a string), Lowercase, NFC, NFD, NFKC, NFKD, Strip, BertNormalizer.
class Normalizer {
 public:
  /// From the root of the file. Throws FormatError naming a step or option that is not known.
  explicit Normalizer(const JsonPart& root);

  [[nodiscard]] bool is_empty() const { return steps_.empty(); }
  /// Takes any bytes: what is not UTF-8 stays as it is (BertNormalizer alone drops it). Cost linear in the text.
  [[nodiscard]] std::string apply(std::string_view text) const;

 private:
  enum class Kind { kPrepend, kReplace, kLowercase, kNfc, kNfd, kNfkc, kNfkd, kStrip, kBert };
  struct Step {
    Kind kind;
    std::string from, to;  // to: also what Prepend puts in front
    bool left = false, right = false;
    BertNormalization bert{};
  };
  void add(const JsonPart& part);
  [[nodiscard]] static std::string apply(const Step& step, const std::string& text);

  std::vector<Step> steps_;
};

/// Every occurrence of `from` (not empty) replaced by `to`, from the left, never inside a replacement.
[[nodiscard]] std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

}  // namespace larimar::text
