#include "common/text/added_tokens.h"

#include <algorithm>
#include <unordered_set>

#include "common/text/unicode_forms.h"

namespace larimar::text {

void WordTrie::add(std::string_view word, std::size_t value) {
  if (word.empty()) return;
  std::uint32_t node = 0;
  for (const char letter : word) {
    const auto byte = static_cast<unsigned char>(letter);
    std::uint32_t next = step(node, byte);
    if (next == kNone) {
      next = static_cast<std::uint32_t>(nodes_.size());
      if (node == 0)
        first_[byte] = next;
      else
        nodes_[node].next.emplace_back(byte, next);
      nodes_.emplace_back();
    }
    node = next;
  }
  if (nodes_[node].value == kNoValue) nodes_[node].value = value;
}

std::uint32_t WordTrie::step(std::uint32_t node, unsigned char byte) const {
  if (node == 0) return first_[byte];
  for (const auto& [edge, next] : nodes_[node].next) {
    if (edge == byte) return next;
  }
  return kNone;
}

WordTrie::Match WordTrie::find(std::string_view text, std::size_t from) const {
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    Match best;
    std::uint32_t node = 0;
    for (std::size_t at = begin; at < text.size(); ++at) {
      node = step(node, static_cast<unsigned char>(text[at]));
      if (node == kNone) break;
      if (nodes_[node].value != kNoValue) best = {begin, at + 1 - begin, nodes_[node].value};
    }
    if (best.length > 0) return best;
  }
  return {};
}

AddedTokens::AddedTokens(const JsonPart& root, const Vocabulary& vocabulary, const Normalizer& normalizer) {
  if (!root.has("added_tokens")) return;
  std::unordered_set<std::string> seen;
  TokenId next = vocabulary.size();
  for (const JsonPart& part : root.at("added_tokens").items()) {
    AddedToken token{.text = part.at("content").text(),
                     .id = 0,
                     .special = part.flag_or("special", false),
                     .single_word = part.flag_or("single_word", false),
                     .left_strip = part.flag_or("lstrip", false),
                     .right_strip = part.flag_or("rstrip", false),
                     .normalized = part.flag_or("normalized", !part.flag_or("special", false))};
    if (token.text.empty()) part.refuse("has no text");
    if (!seen.insert(token.text).second) part.refuse("repeats the token \"" + token.text + "\"");
    const auto piece = vocabulary.find(token.text);
    token.id = piece ? *piece : next++;
    if (part.at("id").count() != static_cast<std::uint64_t>(token.id)) {
      part.refuse("gives \"" + token.text + "\" the id " + std::to_string(part.at("id").count()) + " where " +
                  std::to_string(token.id) + " is its place");
    }
    has_plain_ = has_plain_ || !token.special;
    tokens_.push_back(std::move(token));
  }
  // Where two tokens look alike after normalisation the special one counts.
  for (const bool special : {true, false}) {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const AddedToken& token = tokens_[i];
      if (token.special != special) continue;
      if (token.normalized)
        normalized_.add(normalizer.apply(token.text), i);
      else
        raw_.add(token.text, i);
    }
  }
}

std::vector<TextPart> AddedTokens::split_raw(std::string_view text, bool specials_are_text) const {
  return split(raw_, text, specials_are_text);
}

std::vector<TextPart> AddedTokens::split_normalized(std::string_view text, bool specials_are_text) const {
  return split(normalized_, text, specials_are_text);
}

std::vector<TextPart> AddedTokens::split(const WordTrie& trie, std::string_view text, bool specials_are_text) const {
  std::vector<TextPart> parts;
  std::size_t done = 0;
  for (auto match = trie.find(text, 0); match.length > 0; match = trie.find(text, match.begin + match.length)) {
    const AddedToken& token = tokens_[match.value];
    std::size_t begin = match.begin;
    std::size_t end = match.begin + match.length;
    if (token.special && specials_are_text) continue;
    if (token.single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) continue;
    if (token.left_strip) begin = std::max(done, begin - trailing_space(text.substr(0, begin)));
    if (token.right_strip) end += leading_space(text.substr(end));
    if (done < begin) parts.push_back({TextPart::kText, text.substr(done, begin - done)});
    parts.push_back({token.id, text.substr(begin, end - begin)});
    done = end;
  }
  if (done < text.size()) parts.push_back({TextPart::kText, text.substr(done)});
  return parts;
}

}  // namespace larimar::text
