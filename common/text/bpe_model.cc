#include "common/text/bpe_model.h"

#include <string>
#include <utility>

#include "common/text/byte_alphabet.h"
#include "common/text/unicode.h"

namespace larimar::text {
namespace {

// What would change ids and is not built in must not be passed over in silence.
void check_options(const JsonPart& model) {
  for (const std::string name : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!model.has(name)) continue;
    const nlohmann::json& value = model.at(name).value();
    if (value != "" && value != 0.0) model.at(name).refuse("is set, which BPE here does not know");
  }
  if (model.flag_or("ignore_merges", false)) model.at("ignore_merges").refuse("is set, which BPE here does not know");
}

using Pair = std::pair<std::string_view, std::string_view>;

std::optional<Pair> read_pair(const nlohmann::json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return Pair(merge[0].get_ref<const std::string&>(), merge[1].get_ref<const std::string&>());
  if (!merge.is_string()) return std::nullopt;
  const std::string_view text = merge.get_ref<const std::string&>();
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos || blank != text.rfind(' ')) return std::nullopt;
  return Pair(text.substr(0, blank), text.substr(blank + 1));
}

}  // namespace

BpeModel::BpeModel(const JsonPart& model, const Vocabulary& vocabulary, bool byte_level)
    : byte_level_(byte_level), merges_(model.at("merges").value().size()) {
  check_options(model);
  if (byte_level)
    read_bytes(model, vocabulary);
  else
    read_code_points(model, vocabulary);
  read_merges(model.at("merges"), vocabulary);
}

void BpeModel::read_bytes(const JsonPart& model, const Vocabulary& vocabulary) {
  if (model.flag_or("byte_fallback", false))
    model.at("byte_fallback").refuse("is set beside a ByteLevel pre_tokenizer, which never falls back");
  for (std::size_t byte = 0; byte < byte_ids_.size(); ++byte)
    byte_ids_[byte] = vocabulary.need(printable_of_byte(static_cast<unsigned char>(byte)), model);
}

void BpeModel::read_code_points(const JsonPart& model, const Vocabulary& vocabulary) {
  ascii_ids_.fill(kNoPiece);
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    const std::string& piece = vocabulary.piece(id);
    if (piece.empty()) continue;
    const CodePoint point = code_point_at(piece, 0);
    if (point.length != piece.size() || point.value == CodePoint::kInvalid) continue;
    if (point.value < 0x80)
      ascii_ids_[static_cast<std::size_t>(point.value)] = id;
    else
      wide_ids_.emplace(point.value, id);
  }
  fallback_ = model.flag_or("byte_fallback", false);
  for (std::size_t byte = 0; fallback_ && byte < byte_ids_.size(); ++byte)
    byte_ids_[byte] = vocabulary.need(fallback_name(static_cast<unsigned char>(byte)), model.at("byte_fallback"));
  fuse_unknown_ = model.flag_or("fuse_unk", false);
  if (model.has("unk_token")) unknown_ = vocabulary.need(model.at("unk_token").text(), model.at("unk_token"));
}

void BpeModel::read_merges(const JsonPart& merges, const Vocabulary& vocabulary) {
  const nlohmann::json& list = merges.value();
  if (!list.is_array()) merges.refuse("is not an array");
  std::string whole;
  for (std::uint32_t rank = 0; rank < list.size(); ++rank) {
    const auto place = [&] {
      return JsonPart(list[rank], merges.file(), "model.merges[" + std::to_string(rank) + "]");
    };
    const auto pair = read_pair(list[rank]);
    if (!pair) place().refuse("is not a pair of pieces");
    whole.assign(pair->first).append(pair->second);
    const auto left = vocabulary.find(pair->first);
    const auto right = vocabulary.find(pair->second);
    const auto result = vocabulary.find(whole);
    if (!left || !right || !result) {
      place().refuse("needs the pieces \"" + std::string(pair->first) + "\", \"" + std::string(pair->second) +
                     "\" and \"" + whole + "\", of which the vocabulary lacks one");
    }
    merges_.add(*left, *right, rank, *result);
  }
}

TokenId BpeModel::id_of(std::int32_t code_point) const {
  if (code_point < 0) return kNoPiece;
  if (code_point < 0x80) return ascii_ids_[static_cast<std::size_t>(code_point)];
  const auto found = wide_ids_.find(code_point);
  return found == wide_ids_.end() ? kNoPiece : found->second;
}

std::size_t BpeModel::start(std::string_view word, std::span<TokenId> parts) const {
  if (!byte_level_) return start_code_points(word, parts);
  for (std::size_t i = 0; i < word.size(); ++i) parts[i] = byte_ids_[static_cast<unsigned char>(word[i])];
  return word.size();
}

std::size_t BpeModel::start_code_points(std::string_view word, std::span<TokenId> parts) const {
  std::size_t count = 0;
  bool after_unknown = false;
  for (std::size_t at = 0; at < word.size();) {
    const CodePoint point = code_point_at(word, at);
    const TokenId id = id_of(point.value);
    const bool unknown = id == kNoPiece && !fallback_;
    if (id != kNoPiece) {
      parts[count++] = id;
    } else if (fallback_) {
      for (const char byte : word.substr(at, point.length))
        parts[count++] = byte_ids_[static_cast<unsigned char>(byte)];
    } else if (unknown_ && !(after_unknown && fuse_unknown_)) {
      parts[count++] = *unknown_;
    }
    after_unknown = unknown;
    at += point.length;
  }
  return count;
}

void BpeModel::encode(std::string_view word, std::vector<TokenId>& ids) const {
  if (word.size() <= MergeTable::kShort) {
    std::array<TokenId, MergeTable::kShort> parts;
    merges_.merge(std::span(parts).first(start(word, parts)), ids);
  } else {
    std::vector<TokenId> parts(word.size());
    merges_.merge(std::span(parts).first(start(word, parts)), ids);
  }
}

}  // namespace larimar::text
