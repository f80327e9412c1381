#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/text/json_part.h"
#include "common/text/tokenizer.h"

namespace larimar::text {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

/// The pieces of a model, by id and by text. Every id from 0 to size() - 1 has exactly one piece. Immutable, thread-safe.
class Vocabulary {
 public:
  /// From an object {piece: id}. Throws FormatError for an id that is no number, outside the range or taken twice.
  explicit Vocabulary(const JsonPart& pieces);
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  [[nodiscard]] TokenId size() const { return static_cast<TokenId>(pieces_.size()); }
  [[nodiscard]] const std::string& piece(TokenId id) const { return pieces_[static_cast<std::size_t>(id)]; }
  [[nodiscard]] std::optional<TokenId> find(std::string_view piece) const;
  /// Throws FormatError "<file>: <user> needs ..." if there is no such piece.
  [[nodiscard]] TokenId need(std::string_view piece, const JsonPart& user) const;

 private:
  std::vector<std::string> pieces_;
  std::unordered_map<std::string_view, TokenId, TextHash> ids_;  // views of pieces_
};

}  // namespace larimar::text
