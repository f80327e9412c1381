#include "common/text/piece_decoder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "common/text/byte_alphabet.h"
#include "common/text/normalizer.h"
#include "common/text/unicode_forms.h"

namespace larimar::text {
namespace {

std::optional<char> byte_of(std::string_view piece) {  // of <0x0A>
  if (piece.size() != 6 || !piece.starts_with("<0x") || !piece.ends_with('>')) return std::nullopt;
  unsigned char byte = 0;
  const char* const end = piece.data() + 5;
  const auto [stop, error] = std::from_chars(piece.data() + 3, end, byte, 16);
  if (error != std::errc() || stop != end) return std::nullopt;
  return static_cast<char>(byte);
}

// The library's list of English habits, applied to each piece alone, in this order.
std::string tidy(std::string text) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kHabits{{{" .", "."},
                                                                                          {" ?", "?"},
                                                                                          {" !", "!"},
                                                                                          {" ,", ","},
                                                                                          {" ' ", "'"},
                                                                                          {" n't", "n't"},
                                                                                          {" 'm", "'m"},
                                                                                          {" do not", " don't"},
                                                                                          {" 's", "'s"},
                                                                                          {" 've", "'ve"},
                                                                                          {" 're", "'re"}}};
  for (const auto& [from, to] : kHabits) {
    if (text.find(from) != std::string::npos) text = replace_all(text, from, to);
  }
  return text;
}

std::string continue_word(std::string piece, bool first, const std::string& mark, bool tidied) {
  if (!first) {
    if (piece.starts_with(mark))
      piece.erase(0, mark.size());
    else
      piece.insert(0, 1, ' ');
  }
  return tidied ? tidy(std::move(piece)) : piece;
}

}  // namespace

PieceDecoder::PieceDecoder(const JsonPart& root) {
  const JsonPart whole = root.at("decoder");
  if (whole.value().is_null())
    steps_.push_back({.kind = Kind::kJoin, .from = " ", .to = {}});
  else
    add(whole);
}

void PieceDecoder::add(const JsonPart& part) {
  const std::string type = part.type();
  const bool after_fuse = std::ranges::any_of(steps_, [](const Step& step) { return step.kind == Kind::kFuse; });
  const bool alone = steps_.empty();
  if (type == "Sequence") {
    for (const JsonPart& step : part.at("decoders").items()) add(step);
  } else if (type == "ByteLevel" && alone) {
    steps_.push_back({.kind = Kind::kByteLevel, .from = {}, .to = {}});
  } else if (type == "WordPiece" && alone) {
    steps_.push_back({.kind = Kind::kWordPiece,
                      .from = part.text_or("prefix", "##"),
                      .to = {},
                      .flag = part.flag_or("cleanup", true)});
  } else if (type == "Metaspace" && alone) {
    const bool prefix = part.flag_or("add_prefix_space", true);
    const bool in_front = part.text_or("prepend_scheme", prefix ? "always" : "never") != "never";
    steps_.push_back({.kind = Kind::kMetaspace, .from = part.at("replacement").text(), .to = {}, .flag = in_front});
  } else if (type == "Replace" && !after_fuse) {
    const JsonPart pattern = part.at("pattern");
    if (!pattern.has("String") || pattern.at("String").text().empty()) pattern.refuse("is no string that is not empty");
    steps_.push_back({.kind = Kind::kReplace, .from = pattern.at("String").text(), .to = part.at("content").text()});
  } else if (type == "ByteFallback" && !after_fuse) {
    steps_.push_back({.kind = Kind::kByteFallback, .from = {}, .to = {}});
  } else if (type == "Fuse") {
    steps_.push_back({.kind = Kind::kFuse, .from = {}, .to = {}});
  } else if (type == "Strip") {
    if (part.at("stop").count() != 0) part.at("stop").refuse("is not 0, which is not known here");
    steps_.push_back({.kind = Kind::kStrip,
                      .from = part.at("content").text(),
                      .to = {},
                      .count = part.at("start").count(),
                      .after_fuse = after_fuse});
    if (steps_.back().from.empty()) part.at("content").refuse("is empty");
  } else {
    part.refuse(
        "has the type \"" + type +
        "\" in a place where it is not known; known are ByteLevel, WordPiece and Metaspace alone, and a Sequence "
        "of Replace and ByteFallback, then Fuse and Strip");
  }
}

void PieceDecoder::feed(Run& run, std::size_t step, std::string piece, std::string& text) const {
  if (step == steps_.size()) {
    text += piece;
    return;
  }
  const Step& what = steps_[step];
  Run::Memory& memory = run.memory[step];
  const bool first = !std::exchange(memory.started, true);
  switch (what.kind) {
    case Kind::kByteLevel:
      if (auto bytes = bytes_of_printable(piece)) piece = std::move(*bytes);
      break;
    case Kind::kWordPiece:
      piece = continue_word(std::move(piece), first, what.from, what.flag);
      break;
    case Kind::kMetaspace:
      piece = replace_all(piece, what.from, first && what.flag ? "" : " ");
      break;
    case Kind::kReplace:
      piece = replace_all(piece, what.from, what.to);
      break;
    case Kind::kByteFallback:
      return feed_bytes(run, step, std::move(piece), text);
    case Kind::kFuse:
      break;
    case Kind::kStrip:
      if (!what.after_fuse) memory = {};  // each piece anew
      while (memory.stripping && memory.stripped < what.count && piece.starts_with(what.from)) {
        piece.erase(0, what.from.size());
        ++memory.stripped;
      }
      memory.stripping = memory.stripping && piece.empty();
      break;
    case Kind::kJoin:
      if (!first) piece.insert(0, what.from);
      break;
  }
  feed(run, step + 1, std::move(piece), text);
}

void PieceDecoder::feed_bytes(Run& run, std::size_t step, std::string piece, std::string& text) const {
  if (const auto byte = byte_of(piece)) {
    run.memory[step].bytes.push_back(*byte);
    return;
  }
  flush_bytes(run, step, text);
  feed(run, step + 1, std::move(piece), text);
}

// A run is text if the whole of it is, else every byte is U+FFFD.
void PieceDecoder::flush_bytes(Run& run, std::size_t step, std::string& text) const {
  const std::string bytes = std::exchange(run.memory[step].bytes, {});
  if (bytes.empty()) return;
  if (is_utf8(bytes)) return feed(run, step + 1, bytes, text);
  for (std::size_t i = 0; i < bytes.size(); ++i) feed(run, step + 1, "\xEF\xBF\xBD", text);
}

void PieceDecoder::finish(Run& run, std::string& text) const {
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    if (steps_[step].kind == Kind::kByteFallback) flush_bytes(run, step, text);
  }
}

}  // namespace larimar::text
