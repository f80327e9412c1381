#include "common/text/word_piece.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/text/word_piece_words.h"

namespace larimar::text {
namespace {

using Json = nlohmann::json;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
using PieceIds = std::unordered_map<std::string, TokenId, TextHash, std::equal_to<>>;

struct WordPieceParts {
  std::string source;
  BertNormalization normalization;
  std::vector<std::string> pieces;                     // by id, as the file writes them
  std::vector<std::pair<std::string, TokenId>> added;  // matched in the raw text, longest first
  std::string continuation;                            // "##"
  TokenId unknown = 0;
  std::size_t max_word_code_points = 0;
  bool clean_decoded = true;
};

class WordPieceTokenizer final : public Tokenizer {
 public:
  explicit WordPieceTokenizer(WordPieceParts parts) : parts_(std::move(parts)) {
    for (std::size_t id = 0; id < parts_.pieces.size(); ++id) {
      const std::string& piece = parts_.pieces[id];
      const auto token = static_cast<TokenId>(id);
      ids_.emplace(piece, token);
      if (piece.starts_with(parts_.continuation)) tails_.emplace(piece.substr(parts_.continuation.size()), token);
      longest_ = std::max(longest_, piece.size());
    }
  }

  [[nodiscard]] std::vector<TokenId> encode(std::string_view text) const override {
    std::vector<TokenId> ids;
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const auto match = std::find_if(parts_.added.begin(), parts_.added.end(),
                                      [&](const auto& token) { return text.substr(at).starts_with(token.first); });
      if (match == parts_.added.end()) continue;
      encode_plain(text.substr(done, at - done), ids);
      ids.push_back(match->second);
      done = at + match->first.size();
      at = done - 1;
    }
    encode_plain(text.substr(done), ids);
    return ids;
  }

  [[nodiscard]] std::string decode(std::span<const TokenId> ids) const override {
    std::string text;
    bool first = true;
    for (const TokenId id : ids) {
      if (id < 0 || id >= size()) {
        throw base::FormatError("token id " + std::to_string(id) + " is not in the vocabulary of " + parts_.source);
      }
      if (is_added(id)) continue;
      text += decode_piece(parts_.pieces[static_cast<std::size_t>(id)], first);
      first = false;
    }
    return text;
  }

  [[nodiscard]] TokenId size() const override { return static_cast<TokenId>(parts_.pieces.size()); }

  [[nodiscard]] TokenId id_of(std::string_view piece) const override {
    const auto found = ids_.find(piece);
    if (found == ids_.end()) throw base::FormatError(parts_.source + " has no piece \"" + std::string(piece) + "\"");
    return found->second;
  }

 private:
  void encode_plain(std::string_view text, std::vector<TokenId>& ids) const {
    if (text.empty()) return;
    for (const std::string& word : split_bert_words(text, parts_.normalization)) encode_word(word, ids);
  }

  void encode_word(std::string_view word, std::vector<TokenId>& ids) const {
    const std::size_t before = ids.size();
    const bool fits = count_code_points(word) <= parts_.max_word_code_points;
    std::size_t begin = 0;
    while (fits && begin < word.size()) {
      const PieceIds& pieces = begin == 0 ? ids_ : tails_;
      std::size_t end = std::min(word.size(), begin + longest_);
      auto found = pieces.find(word.substr(begin, end - begin));
      while (found == pieces.end() && --end > begin) found = pieces.find(word.substr(begin, end - begin));
      if (found == pieces.end()) break;
      ids.push_back(found->second);
      begin = end;
    }
    if (begin == word.size()) return;
    ids.resize(before);
    ids.push_back(parts_.unknown);
  }

  [[nodiscard]] bool is_added(TokenId id) const {
    return std::any_of(parts_.added.begin(), parts_.added.end(),
                       [id](const auto& token) { return token.second == id; });
  }

  [[nodiscard]] std::string decode_piece(const std::string& piece, bool first) const {
    if (!first && piece.starts_with(parts_.continuation)) return piece.substr(parts_.continuation.size());
    const bool closes = piece == "." || piece == "?" || piece == "!" || piece == ",";
    return first || (parts_.clean_decoded && closes) ? piece : " " + piece;
  }

  WordPieceParts parts_;
  PieceIds ids_;    // pieces as written, also those that begin with the continuation mark
  PieceIds tails_;  // continuations without their mark
  std::size_t longest_ = 1;
};

/// One field of the file; names it and what was expected when it is absent or of another kind.
template <class T>
T field(const Json& object, const std::string& name, const std::string& where) {
  try {
    return object.at(name).get<T>();
  } catch (const Json::exception&) {
    throw base::FormatError(where + ": field \"" + name + "\" is missing or of the wrong kind");
  }
}

Json section(const Json& root, const std::string& name, const std::string& type, const std::string& where) {
  auto part = field<Json>(root, name, where);
  const auto found = field<std::string>(part, "type", where + ": " + name);
  if (found != type) throw base::FormatError(where + ": " + name + " is \"" + found + "\", expected \"" + type + "\"");
  return part;
}

std::vector<std::string> read_pieces(const Json& model, const std::string& where) {
  const auto vocabulary = field<Json>(model, "vocab", where);
  if (!vocabulary.is_object() || vocabulary.empty())
    throw base::FormatError(where + ": vocab must be an object of pieces and ids");
  std::vector<std::string> pieces(vocabulary.size());
  for (const auto& [piece, id] : vocabulary.items()) {
    const bool usable = id.is_number_unsigned() && id.get<std::uint64_t>() < pieces.size() &&
                        pieces[static_cast<std::size_t>(id.get<std::uint64_t>())].empty() && !piece.empty();
    if (!usable)
      throw base::FormatError(where + ": vocab \"" + piece + "\" has no id of its own below " +
                              std::to_string(pieces.size()));
    pieces[static_cast<std::size_t>(id.get<std::uint64_t>())] = piece;
  }
  return pieces;
}

BertNormalization read_normalization(const Json& root, const std::string& where) {
  const Json part = section(root, "normalizer", "BertNormalizer", where);
  const std::string what = where + ": normalizer";
  BertNormalization how{.clean_text = field<bool>(part, "clean_text", what),
                        .space_chinese = field<bool>(part, "handle_chinese_chars", what),
                        .strip_accents = true,
                        .lowercase = field<bool>(part, "lowercase", what)};
  const auto accents = field<Json>(part, "strip_accents", what);
  how.strip_accents = accents.is_null() ? how.lowercase : field<bool>(part, "strip_accents", what);
  return how;
}

std::vector<std::pair<std::string, TokenId>> read_added(const Json& root, const std::vector<std::string>& pieces,
                                                        const std::string& where) {
  std::vector<std::pair<std::string, TokenId>> added;
  for (const Json& token : field<std::vector<Json>>(root, "added_tokens", where)) {
    const auto id = field<std::uint64_t>(token, "id", where + ": added_tokens");
    auto text = field<std::string>(token, "content", where + ": added_tokens");
    const bool plain = !token.value("single_word", false) && !token.value("lstrip", false) &&
                       !token.value("rstrip", false) && !token.value("normalized", false);
    if (!plain || id >= pieces.size() || pieces[static_cast<std::size_t>(id)] != text) {
      throw base::FormatError(where + ": added token \"" + text +
                              "\" must be the vocabulary's own, matched as it stands");
    }
    added.emplace_back(std::move(text), static_cast<TokenId>(id));
  }
  std::stable_sort(added.begin(), added.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  return added;
}

WordPieceParts read_parts(const Json& root, const std::string& where) {
  const Json model = section(root, "model", "WordPiece", where);
  section(root, "pre_tokenizer", "BertPreTokenizer", where);
  const Json decoder = section(root, "decoder", "WordPiece", where);
  WordPieceParts parts;
  parts.source = where;
  parts.normalization = read_normalization(root, where);
  parts.pieces = read_pieces(model, where + ": model");
  parts.added = read_added(root, parts.pieces, where);
  parts.continuation = field<std::string>(model, "continuing_subword_prefix", where + ": model");
  parts.max_word_code_points = field<std::size_t>(model, "max_input_chars_per_word", where + ": model");
  parts.clean_decoded = field<bool>(decoder, "cleanup", where + ": decoder");
  const auto unknown = field<std::string>(model, "unk_token", where + ": model");
  const auto found = std::find(parts.pieces.begin(), parts.pieces.end(), unknown);
  if (found == parts.pieces.end())
    throw base::FormatError(where + ": unk_token \"" + unknown + "\" is not in the vocabulary");
  parts.unknown = static_cast<TokenId>(found - parts.pieces.begin());
  if (parts.continuation.empty()) throw base::FormatError(where + ": continuing_subword_prefix is empty");
  return parts;
}

}  // namespace

std::unique_ptr<const Tokenizer> make_word_piece(const nlohmann::json& root, const std::filesystem::path& source) {
  return std::make_unique<const WordPieceTokenizer>(read_parts(root, source.string()));
}

}  // namespace larimar::text
