#include "common/text/byte_bpe.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <queue>
#include <tuple>
#include <utility>

#include "common/base/error.h"
#include "common/text/unicode.h"

namespace larimar::text {
namespace {

using base::FormatError;
using nlohmann::json;

constexpr std::size_t kShortWord = 64;  // bytes

// GPT-2's printable form of bytes: visible Latin-1 stands for itself, the other 68 bytes follow from U+0100 on.
std::array<std::int32_t, 256> printable_of_byte() {
  std::array<std::int32_t, 256> table{};
  std::int32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const bool visible = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    table[static_cast<std::size_t>(byte)] = visible ? byte : next++;
  }
  return table;
}

std::string to_utf8(std::int32_t value) {  // values below U+0800 only
  if (value < 0x80) return {static_cast<char>(value)};
  return {static_cast<char>(0xC0 | (value >> 6)), static_cast<char>(0x80 | (value & 0x3F))};
}

std::uint64_t pair_key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) | static_cast<std::uint32_t>(right);
}

const json& field(const json& parent, const char* name, const std::filesystem::path& source) {
  const auto found = parent.is_object() ? parent.find(name) : parent.end();
  if (found == parent.end()) throw FormatError(source.string() + ": the field \"" + name + "\" is missing");
  return *found;
}

}  // namespace

ByteBpeTokenizer::ByteBpeTokenizer(const json& root, const std::filesystem::path& source) : source_(source) {
  try {
    check_options(root);
    read_vocabulary(root);
    read_merges(root);
    read_pre_tokenizer(root);
  } catch (const json::exception& error) {  // a field of the wrong kind
    throw FormatError(source_.string() + " is not laid out as a tokenizer.json: " + error.what());
  }
}

// What would change ids and is not built in must not be passed over in silence.
void ByteBpeTokenizer::check_options(const json& root) const {
  const json& model = field(root, "model", source_);
  const auto refuse = [&](const std::string& name) {
    throw FormatError(source_.string() + ": \"" + name + "\" is set, which byte-level BPE here does not know");
  };
  if (!root.value("normalizer", json()).is_null()) refuse("normalizer");
  for (const char* name : {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}) {
    const json value = model.value(name, json());
    if (!value.is_null() && value != "" && value != 0.0) refuse(std::string("model.") + name);
  }
  for (const char* name : {"byte_fallback", "ignore_merges"}) {
    if (model.value(name, false)) refuse(std::string("model.") + name);
  }
}

void ByteBpeTokenizer::read_vocabulary(const json& root) {
  const json& vocabulary = field(field(root, "model", source_), "vocab", source_);
  if (!vocabulary.is_object()) throw FormatError(source_.string() + ": model.vocab is not an object");
  std::unordered_map<std::int32_t, char> byte_of;
  const auto printable = printable_of_byte();
  for (int byte = 0; byte < 256; ++byte) byte_of[printable[static_cast<std::size_t>(byte)]] = static_cast<char>(byte);

  pieces_.resize(vocabulary.size());
  std::vector<bool> seen(vocabulary.size());
  for (const auto& [piece, id_value] : vocabulary.items()) {
    const auto id = id_value.is_number_integer() ? id_value.get<std::int64_t>() : -1;
    if (id < 0 || id >= static_cast<std::int64_t>(pieces_.size()) || seen[static_cast<std::size_t>(id)]) {
      throw FormatError(source_.string() + ": model.vocab gives \"" + piece + "\" an id outside 0 to " +
                        std::to_string(pieces_.size() - 1) + " or one that another piece has");
    }
    seen[static_cast<std::size_t>(id)] = true;
    vocabulary_.emplace(piece, static_cast<TokenId>(id));
    std::string bytes;
    for (std::size_t at = 0; at < piece.size();) {
      const CodePoint point = code_point_at(piece, at);
      const auto found = byte_of.find(point.value);
      if (found == byte_of.end()) break;
      bytes.push_back(found->second);
      at += point.length;
    }
    pieces_[static_cast<std::size_t>(id)] = std::move(bytes);
  }
  for (const json& special : root.value("added_tokens", json::array())) {
    const auto found = vocabulary_.find(special.value("content", ""));
    if (found != vocabulary_.end()) pieces_[static_cast<std::size_t>(found->second)].clear();
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto index = static_cast<std::size_t>(byte);
    byte_ids_[index] = id_of(to_utf8(printable[index]));
  }
}

void ByteBpeTokenizer::read_merges(const json& root) {
  const json& merges = field(field(root, "model", source_), "merges", source_);
  if (!merges.is_array()) throw FormatError(source_.string() + ": model.merges is not an array");
  std::uint32_t rank = 0;
  for (const json& merge : merges) {
    std::string left, right;
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      left = merge[0].get<std::string>();
      right = merge[1].get<std::string>();
    } else if (merge.is_string() && merge.get_ref<const std::string&>().find(' ') != std::string::npos) {
      const auto& text = merge.get_ref<const std::string&>();
      left = text.substr(0, text.find(' '));
      right = text.substr(text.find(' ') + 1);
    } else {
      throw FormatError(source_.string() + ": model.merges[" + std::to_string(rank) + "] is not a pair of pieces");
    }
    merges_.emplace(pair_key(id_of(left), id_of(right)), Merge{rank, id_of(left + right)});
    ++rank;
  }
}

void ByteBpeTokenizer::read_pre_tokenizer(const json& root) {
  const json& pre = field(root, "pre_tokenizer", source_);
  const json steps = pre.value("type", "") == "Sequence" ? field(pre, "pretokenizers", source_) : json::array({pre});
  bool byte_level = false;
  for (const json& step : steps) {
    const std::string type = step.value("type", "");
    if (type == "Digits" && step.value("individual_digits", false)) {
      split_digits_ = true;
    } else if (type == "ByteLevel" && !step.value("add_prefix_space", true) && step.value("use_regex", true)) {
      byte_level = true;
    } else {
      throw FormatError(source_.string() + ": pre_tokenizer step \"" + type +
                        "\" with these options is not supported; "
                        "known are Digits (individual_digits) and ByteLevel (no prefix space, with regex)");
    }
  }
  if (!byte_level) throw FormatError(source_.string() + ": pre_tokenizer has no ByteLevel step");
}

TokenId ByteBpeTokenizer::id_of(std::string_view piece) const {
  const auto found = vocabulary_.find(std::string(piece));
  if (found == vocabulary_.end()) {
    throw FormatError(source_.string() + ": the vocabulary lacks the piece \"" + std::string(piece) + "\"");
  }
  return found->second;
}

const ByteBpeTokenizer::Merge* ByteBpeTokenizer::find_merge(TokenId left, TokenId right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

// Merges the pair of lowest rank first, leftmost among equals. Short words, which are nearly all, need no memory but
// the stack: looking at every pair anew is faster than a queue there.
void ByteBpeTokenizer::encode_short_word(std::string_view word, std::vector<TokenId>& ids) const {
  constexpr Merge kNoMerge{std::numeric_limits<std::uint32_t>::max(), -1};
  std::array<TokenId, kShortWord> parts;
  std::array<Merge, kShortWord> merges;  // merges[i] joins parts[i] and parts[i + 1]
  std::size_t count = word.size();
  const auto look_up = [&](std::size_t i) {
    const Merge* merge = find_merge(parts[i], parts[i + 1]);
    merges[i] = merge == nullptr ? kNoMerge : *merge;
  };
  for (std::size_t i = 0; i < count; ++i) parts[i] = byte_ids_[static_cast<unsigned char>(word[i])];
  for (std::size_t i = 0; i + 1 < count; ++i) look_up(i);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (merges[best].rank == kNoMerge.rank) break;
    parts[best] = merges[best].result;
    for (std::size_t i = best + 1; i + 1 < count; ++i) parts[i] = parts[i + 1];
    for (std::size_t i = best + 1; i + 2 < count; ++i) merges[i] = merges[i + 1];
    --count;
    if (best > 0) look_up(best - 1);
    if (best + 1 < count) look_up(best);
  }
  ids.insert(ids.end(), parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(count));
}

// The same over a linked list: O(n log n) for any word.
void ByteBpeTokenizer::encode_long_word(std::string_view word, std::vector<TokenId>& ids) const {
  constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();
  struct Node {
    TokenId id;
    std::uint32_t previous, next;
  };
  struct Candidate {
    std::uint32_t rank, left;
    TokenId left_id, right_id;
    bool operator>(const Candidate& other) const { return std::tie(rank, left) > std::tie(other.rank, other.left); }
  };
  const auto count = static_cast<std::uint32_t>(word.size());
  std::vector<Node> nodes(count);
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto offer = [&](std::uint32_t left) {
    if (left == kNone || nodes[left].next == kNone) return;
    const TokenId right_id = nodes[nodes[left].next].id;
    if (const Merge* merge = find_merge(nodes[left].id, right_id))
      queue.push({merge->rank, left, nodes[left].id, right_id});
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    nodes[i] = {byte_ids_[static_cast<unsigned char>(word[i])], i == 0 ? kNone : i - 1, i + 1 == count ? kNone : i + 1};
  }
  for (std::uint32_t i = 0; i < count; ++i) offer(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Node& left = nodes[best.left];
    if (left.id != best.left_id || left.next == kNone || nodes[left.next].id != best.right_id) continue;  // out of date
    Node& right = nodes[left.next];
    left.id = find_merge(best.left_id, best.right_id)->result;
    right.id = -1;
    left.next = right.next;
    if (right.next != kNone) nodes[right.next].previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
  for (std::uint32_t i = 0; i != kNone && i < count; i = nodes[i].next) ids.push_back(nodes[i].id);
}

std::vector<TokenId> ByteBpeTokenizer::encode(std::string_view text) const {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3);
  for (const std::string_view word : split_words(text, split_digits_)) {
    if (word.size() <= kShortWord)
      encode_short_word(word, ids);
    else
      encode_long_word(word, ids);
  }
  return ids;
}

std::string ByteBpeTokenizer::decode(std::span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) {
    if (id >= 0 && id < size()) text += pieces_[static_cast<std::size_t>(id)];
  }
  return text;
}

}  // namespace larimar::text
