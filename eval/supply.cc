#include "eval/supply.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/text/corpus.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

std::string numbered(std::uint64_t number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%06llu", static_cast<unsigned long long>(number));
  return text.data();
}

/// Documents as files of about `bytes`, each cut where a block of an ingest could begin: at a paragraph, else a line.
Haystack cut_pieces(const Haystack& whole, std::uint64_t bytes, const fs::path& folder) {
  Haystack pieces;
  for (const Document& document : whole.documents) {
    const base::MappedFile file(document.path);
    const std::string_view text = file.text();
    std::uint64_t number = 0;
    for (std::uint64_t begin = 0; begin < text.size(); ++number) {
      std::uint64_t end = text::block_start(text, begin + bytes);
      if (text.size() - end < bytes / 2) end = text.size();
      const fs::path path = folder / (document.path.filename().string() + "." + numbered(number));
      write_if_changed(path, text.substr(begin, end - begin));
      pieces.documents.push_back({path, end - begin});
      begin = end;
    }
  }
  return pieces;
}

}  // namespace

nlohmann::ordered_json to_json(const SupplyRule& rule) {
  return {{"source", rule.haystack.string()},
          {"filler", rule.filler.string()},
          {"beyond", rule.repeat ? "repeat" : "refuse"},
          {"piece_bytes", rule.piece_bytes}};
}

SupplyRule supply_from_json(const nlohmann::json& object) {
  try {
    SupplyRule rule;
    rule.haystack = object.at("source").get<std::string>();
    rule.filler = object.at("filler").get<std::string>();
    rule.repeat = object.at("beyond").get<std::string>() == "repeat";
    rule.piece_bytes = object.at("piece_bytes").get<std::uint64_t>();
    return rule;
  } catch (const nlohmann::json::exception& error) {
    throw base::FormatError(std::string("a recipe's haystack needs source, filler, beyond and piece_bytes: ") +
                            error.what());
  }
}

Supply::Supply(const SupplyRule& rule, fs::path folder)
    : rule_(rule), folder_(std::move(folder)), generator_(parse_generator(rule.haystack.string())) {
  if (generator_) return;
  whole_ = list_haystack(rule_.haystack);
  if (rule_.piece_bytes > 0) whole_ = cut_pieces(whole_, rule_.piece_bytes, folder_ / "pieces");
}

std::optional<Document> Supply::next() {
  if (generator_) {
    const std::string name = generator_->literature ? "literature" : "generated" + std::to_string(generator_->seed);
    const fs::path path = folder_ / name / (numbered(taken_) + ".txt");
    const std::string text = generator_->text_of(taken_++);
    write_if_changed(path, text);
    return Document{path, text.size()};
  }
  if (taken_ < whole_.documents.size()) return whole_.documents[taken_++];
  if (!rule_.filler.empty() && !filler_ended_) {
    if (!filler_) filler_.emplace(rule_.filler, folder_ / "filler");
    if (const std::optional<Document> document = filler_->next()) return document;
    filler_ended_ = true;
  }
  if (!rule_.repeat) return std::nullopt;
  return whole_.documents[taken_++ % whole_.documents.size()];
}

}  // namespace larimar::eval
