#include "common/text/normalizer.h"

#include <algorithm>
#include <utility>

#include "common/text/unicode_forms.h"

namespace larimar::text {
namespace {

std::string strip(std::string_view text, bool left, bool right) {
  std::size_t begin = 0;
  std::size_t end = text.size();
  if (left) begin = leading_space(text);
  if (right) end -= trailing_space(text.substr(begin));
  return std::string(text.substr(begin, end - begin));
}

BertNormalization read_bert(const JsonPart& part) {
  BertNormalization how{.clean_text = part.at("clean_text").flag(),
                        .space_chinese = part.at("handle_chinese_chars").flag(),
                        .strip_accents = true,
                        .lowercase = part.at("lowercase").flag()};
  how.strip_accents = part.flag_or("strip_accents", how.lowercase);
  return how;
}

}  // namespace

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;
  for (std::size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
    out.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return out.append(text.substr(done));
}

Normalizer::Normalizer(const JsonPart& root) {
  const JsonPart whole = root.at("normalizer");
  if (!whole.value().is_null()) add(whole);
}

void Normalizer::add(const JsonPart& part) {
  static constexpr std::pair<std::string_view, Kind> kPlain[] = {{"Lowercase", Kind::kLowercase},
                                                                 {"NFC", Kind::kNfc},
                                                                 {"NFD", Kind::kNfd},
                                                                 {"NFKC", Kind::kNfkc},
                                                                 {"NFKD", Kind::kNfkd}};
  const std::string type = part.type();
  const auto* const plain = std::ranges::find(kPlain, type, &std::pair<std::string_view, Kind>::first);
  if (type == "Sequence") {
    for (const JsonPart& step : part.at("normalizers").items()) add(step);
  } else if (plain != std::end(kPlain)) {
    steps_.push_back({.kind = plain->second, .from = {}, .to = {}});
  } else if (type == "Prepend") {
    steps_.push_back({.kind = Kind::kPrepend, .from = {}, .to = part.at("prepend").text()});
  } else if (type == "Replace") {
    const JsonPart pattern = part.at("pattern");
    if (!pattern.has("String")) pattern.refuse("is no string; other patterns are not known here");
    if (pattern.at("String").text().empty()) pattern.refuse("is empty");
    steps_.push_back({.kind = Kind::kReplace, .from = pattern.at("String").text(), .to = part.at("content").text()});
  } else if (type == "Strip") {
    steps_.push_back({.kind = Kind::kStrip,
                      .from = {},
                      .to = {},
                      .left = part.at("strip_left").flag(),
                      .right = part.at("strip_right").flag()});
  } else if (type == "BertNormalizer") {
    steps_.push_back({.kind = Kind::kBert, .from = {}, .to = {}, .bert = read_bert(part)});
  } else {
    part.refuse("has the type \"" + type +
                "\"; known are Sequence, Prepend, Replace, Lowercase, NFC, NFD, NFKC, NFKD, Strip and BertNormalizer");
  }
}

std::string Normalizer::apply(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) out = apply(step, out);
  return out;
}

std::string Normalizer::apply(const Step& step, const std::string& text) {
  switch (step.kind) {
    case Kind::kPrepend:
      return text.empty() ? text : step.to + text;
    case Kind::kReplace:
      return replace_all(text, step.from, step.to);
    case Kind::kLowercase:
      return lowercase(text);
    case Kind::kNfc:
      return normal_form(text, NormalForm::kNfc);
    case Kind::kNfd:
      return normal_form(text, NormalForm::kNfd);
    case Kind::kNfkc:
      return normal_form(text, NormalForm::kNfkc);
    case Kind::kNfkd:
      return normal_form(text, NormalForm::kNfkd);
    case Kind::kStrip:
      return strip(text, step.left, step.right);
    case Kind::kBert:
      return normalize_bert(text, step.bert);
  }
  return text;
}

}  // namespace larimar::text
