#include "common/text/pre_tokenizer.h"

#include "common/text/normalizer.h"
#include "common/text/word_piece_words.h"
#include "common/text/word_split.h"

namespace larimar::text {
namespace {

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace

PreTokenizer::PreTokenizer(const JsonPart& root) {
  const JsonPart whole = root.at("pre_tokenizer");
  if (whole.value().is_null()) return;
  std::vector<JsonPart> steps{whole};
  if (whole.type() == "Sequence") steps = whole.at("pretokenizers").items();
  for (std::size_t i = 0; i < steps.size(); ++i) read_step(steps[i], i + 1 == steps.size());
  if ((digits_ || pattern_) && kind_ == Kind::kNone) whole.refuse("has no ByteLevel step");
  if (digits_ && !pattern_) whole.refuse("cuts digits without ByteLevel's own pattern, which is not known here");
  if (digits_ && blank_in_front_) whole.refuse("has Digits before add_prefix_space, which is not known here");
}

void PreTokenizer::read_step(const JsonPart& step, bool is_last) {
  const std::string type = step.type();
  if (type == "Digits" && !digits_ && !pattern_ && !is_last) {
    if (!step.flag_or("individual_digits", false)) step.refuse("keeps numbers whole, which is not known here");
    digits_ = true;
  } else if (type == "Split" && !digits_ && !pattern_ && !is_last) {
    read_split(step);
  } else if (type == "ByteLevel" && is_last) {
    read_byte_level(step);
  } else if (type == "Metaspace" && is_last && !digits_ && !pattern_) {
    read_metaspace(step);
  } else if (type == "BertPreTokenizer" && is_last && !digits_ && !pattern_) {
    kind_ = Kind::kBert;
  } else {
    step.refuse("has the type \"" + type +
                "\" in a place where it is not known; known are ByteLevel alone or behind Digits or Split, Metaspace "
                "alone and BertPreTokenizer alone");
  }
}

void PreTokenizer::read_split(const JsonPart& step) {
  const JsonPart pattern = step.at("pattern");
  const bool known = pattern.has("Regex") && pattern.at("Regex").text() == kGpt2Pattern &&
                     step.at("behavior").text() == "Isolated" && !step.flag_or("invert", false);
  if (!known) pattern.refuse("is not known; the only pattern known for Split is that of GPT-2, Isolated");
  pattern_ = true;
}

void PreTokenizer::read_byte_level(const JsonPart& step) {
  kind_ = Kind::kByteLevel;
  blank_in_front_ = step.flag_or("add_prefix_space", true);
  const bool own_pattern = step.flag_or("use_regex", true);
  // A blank put before each word of a Split would change what the words are.
  if (pattern_ && (own_pattern || blank_in_front_))
    step.refuse("has use_regex or add_prefix_space behind a Split, which is not known here");
  pattern_ = pattern_ || own_pattern;
}

void PreTokenizer::read_metaspace(const JsonPart& step) {
  kind_ = Kind::kMetaspace;
  blank_ = step.at("replacement").text();
  if (blank_.empty()) step.at("replacement").refuse("is empty");
  split_ = step.flag_or("split", true);
  const std::string scheme =
      step.text_or("prepend_scheme", step.flag_or("add_prefix_space", true) ? "always" : "never");
  if (scheme == "always") {
    prepend_ = Prepend::kAlways;
  } else if (scheme == "first") {
    prepend_ = Prepend::kFirst;
  } else if (scheme == "never") {
    prepend_ = Prepend::kNever;
  } else {
    step.at("prepend_scheme").refuse("is \"" + scheme + "\"; known are always, first and never");
  }
}

void PreTokenizer::split(std::string_view text, bool at_start, Words& words) const {
  if (text.empty()) return;
  switch (kind_) {
    case Kind::kNone:
      words.all.push_back(text);
      break;
    case Kind::kBert:
      words.all = split_bert_words(text);
      break;
    case Kind::kMetaspace:
      split_metaspace(text, at_start, words);
      break;
    case Kind::kByteLevel:
      if (blank_in_front_ && text[0] != ' ') text = words.changed = " " + std::string(text);
      if (pattern_)
        words.all = split_words(text, digits_);
      else
        words.all.push_back(text);
      break;
  }
}

void PreTokenizer::split_metaspace(std::string_view text, bool at_start, Words& words) const {
  words.changed = replace_all(text, " ", blank_);
  const bool wanted = prepend_ == Prepend::kAlways || (prepend_ == Prepend::kFirst && at_start);
  if (wanted && !words.changed.starts_with(blank_)) words.changed.insert(0, blank_);
  std::string_view left = words.changed;
  while (split_ && !left.empty()) {  // a word begins at each blank
    const std::size_t end = left.find(blank_, left.starts_with(blank_) ? blank_.size() : 0);
    words.all.push_back(left.substr(0, end));
    left.remove_prefix(words.all.back().size());
  }
  if (!left.empty()) words.all.push_back(left);
}

}  // namespace larimar::text
