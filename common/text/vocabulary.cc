#include "common/text/vocabulary.h"

#include <limits>

namespace larimar::text {

Vocabulary::Vocabulary(const JsonPart& pieces) {
  const nlohmann::json& object = pieces.value();
  if (!object.is_object() || object.empty()) pieces.refuse("is not an object of pieces and their ids");
  if (object.size() > static_cast<std::size_t>(std::numeric_limits<TokenId>::max()))
    pieces.refuse("has too many pieces");
  pieces_.resize(object.size());
  std::vector<bool> taken(object.size());
  for (const auto& [piece, value] : object.items()) {
    const bool usable = value.is_number_integer() && value >= 0 && value.get<std::uint64_t>() < object.size();
    const std::size_t id = usable ? value.get<std::size_t>() : 0;
    if (!usable || taken[id]) {
      pieces.refuse("gives \"" + piece + "\" an id outside 0 to " + std::to_string(object.size() - 1) +
                    " or one that another piece has");
    }
    taken[id] = true;
    pieces_[id] = piece;
  }
  ids_.reserve(pieces_.size());
  for (std::size_t id = 0; id < pieces_.size(); ++id) ids_.emplace(pieces_[id], static_cast<TokenId>(id));
}

std::optional<TokenId> Vocabulary::find(std::string_view piece) const {
  const auto found = ids_.find(piece);
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

TokenId Vocabulary::need(std::string_view piece, const JsonPart& user) const {
  const auto found = find(piece);
  if (!found) user.refuse("needs the piece \"" + std::string(piece) + "\", which the vocabulary lacks");
  return *found;
}

}  // namespace larimar::text
