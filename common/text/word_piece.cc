#include "common/text/word_piece.h"

#include <algorithm>
#include <optional>

#include "common/text/word_piece_words.h"

namespace larimar::text {

WordPieceModel::WordPieceModel(const JsonPart& model, const Vocabulary& vocabulary) : vocabulary_(vocabulary) {
  const std::string& mark = model.at("continuing_subword_prefix").text();
  if (mark.empty()) model.at("continuing_subword_prefix").refuse("is empty");
  unknown_ = vocabulary.need(model.at("unk_token").text(), model.at("unk_token"));
  max_code_points_ = model.at("max_input_chars_per_word").count();
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string_view piece = vocabulary.piece(id);
    if (piece.starts_with(mark)) tails_.emplace(piece.substr(mark.size()), id);
    longest_ = std::max(longest_, piece.size());
  }
}

void WordPieceModel::encode(std::string_view word, std::vector<TokenId>& ids) const {
  const std::size_t before = ids.size();
  const bool fits = count_code_points(word) <= max_code_points_;
  const auto find = [&](std::string_view piece, bool is_first) -> std::optional<TokenId> {
    if (is_first) return vocabulary_.find(piece);
    const auto found = tails_.find(piece);
    return found == tails_.end() ? std::nullopt : std::optional(found->second);
  };
  std::size_t begin = 0;
  while (fits && begin < word.size()) {
    std::size_t end = std::min(word.size(), begin + longest_);
    auto found = find(word.substr(begin, end - begin), begin == 0);
    while (!found && --end > begin) found = find(word.substr(begin, end - begin), begin == 0);
    if (!found) break;
    ids.push_back(*found);
    begin = end;
  }
  if (begin == word.size()) return;
  ids.resize(before);
  ids.push_back(unknown_);
}

}  // namespace larimar::text
