#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/text/json_part.h"
#include "common/text/piece_model.h"
#include "common/text/vocabulary.h"

namespace larimar::text {

/// BERT's model: a word is the longest pieces from its left, those behind the first with a mark in front ("##"). A word
/// that cannot be cut, or is longer than the file's limit, is one unknown token.
/// Source  the published behaviour of the Hugging Face library for the same file.
class WordPieceModel final : public PieceModel {
 public:
  /// The vocabulary must outlive the model. Throws FormatError naming the field.
  WordPieceModel(const JsonPart& model, const Vocabulary& vocabulary);

  /// Cost O(word x longest piece) look-ups, bounded by the limit of a word.
  void encode(std::string_view word, std::vector<TokenId>& ids) const override;

 private:
  const Vocabulary& vocabulary_;
  std::unordered_map<std::string_view, TokenId, TextHash> tails_;  // continuations without their mark
  TokenId unknown_ = 0;
  std::size_t max_code_points_ = 0;
  std::size_t longest_ = 1;  // bytes
};

}  // namespace larimar::text
