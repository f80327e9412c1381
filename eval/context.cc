#include "eval/context.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <set>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/store/hash.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::uint64_t count_words(std::string_view text) {
  std::uint64_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = std::isspace(static_cast<unsigned char>(c)) != 0;
    words += !space && !inside ? 1U : 0U;
    inside = !space;
  }
  return words;
}

std::string hex(std::uint64_t value) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::uint64_t hash_file(const fs::path& document) { return store::hash64(base::MappedFile(document).bytes()); }

std::string hash_of(const std::vector<std::uint64_t>& hashes) {
  return hex(store::hash64(std::as_bytes(std::span(hashes))));
}

ordered_json placements_of(const std::vector<HiddenNeedle>& placed) {
  ordered_json list = ordered_json::array();
  for (const HiddenNeedle& needle : placed) {
    list.push_back({{"needle", needle.text},
                    {"document", needle.document.string()},
                    {"document_index", needle.document_index},
                    {"offset", needle.offset},
                    {"byte_begin", needle.byte_begin},
                    {"byte_end", needle.byte_end},
                    {"depth_percent", needle.depth_percent}});
  }
  return list;
}

/// The unmodified documents that a recipe names: as many of the supply's as it took, the last one cut.
Haystack supplied(const json& haystack, const fs::path& source, const fs::path& folder) {
  SupplyRule rule = supply_from_json(haystack);
  if (!source.empty()) rule.haystack = source;
  Supply supply(rule, folder / "sources");
  Haystack documents;
  for (std::uint64_t left = haystack.at("documents").get<std::uint64_t>(); left > 0; --left) {
    const std::optional<Document> document = supply.next();
    if (!document) throw base::ConfigError("the haystack " + rule.haystack.string() + " is shorter than it was");
    documents.documents.push_back(*document);
  }
  if (documents.documents.empty()) throw base::FormatError("the recipe names no documents");
  const auto last = haystack.at("last_document_bytes").get<std::uint64_t>();
  if (last > documents.documents.back().bytes)
    throw base::ConfigError("the haystack " + rule.haystack.string() + " has other documents than it had");
  if (last < documents.documents.back().bytes) {
    Document& cut = documents.documents.back();
    const fs::path path = folder / "sources" / "cut" / cut.path.filename();
    write_if_changed(path, base::read_file(cut.path).substr(0, last));
    cut = {path, last};
  }
  return documents;
}

std::vector<HiddenNeedle> needles_of(const json& placements, const Haystack& documents) {
  std::vector<HiddenNeedle> needles;
  for (const json& placement : placements) {
    HiddenNeedle& needle = needles.emplace_back();
    needle.text = placement.at("needle").get<std::string>();
    needle.document_index = placement.at("document_index").get<std::size_t>();
    needle.offset = placement.at("offset").get<std::uint64_t>();
    if (needle.document_index >= documents.documents.size() ||
        needle.offset > documents.documents[needle.document_index].bytes) {
      throw base::ConfigError("the haystack has other documents than it had: a needle stands outside of them");
    }
  }
  return needles;
}

}  // namespace

ContextMaker::Known ContextMaker::look_at(const fs::path& document) {
  const base::MappedFile file(document);
  return {count_words(file.text()), file.bytes().size(), store::hash64(file.bytes())};
}

ContextMaker::Known ContextMaker::remembered(const fs::path& document) {
  const auto found = known_.find(document.string());
  if (found != known_.end()) return found->second;
  return known_[document.string()] = look_at(document);
}

MadeContext ContextMaker::hide(const TaskTrial& trial, const Selection& selection, const std::string& label) {
  HiddenContext hidden = hide_plants(selection.haystack, trial.plants, setup_.out / "contexts" / label);
  MadeContext made;
  std::vector<std::uint64_t> hashes;
  for (std::size_t i = 0; i < hidden.documents.size(); ++i) {
    const bool copy = hidden.documents[i] != selection.haystack.documents[i].path;
    const Known known = copy ? look_at(hidden.documents[i]) : remembered(hidden.documents[i]);
    made.facts.words += known.words;
    made.facts.bytes += known.bytes;
    hashes.push_back(known.hash);
  }
  made.facts.tokens = selection.tokens;
  for (const Plant& plant : trial.plants) made.facts.tokens += counter_.count_text(plant.text);
  made.facts.xxh3 = hash_of(hashes);
  ordered_json haystack = to_json(setup_.supply());
  haystack["documents"] = selection.haystack.documents.size();
  haystack["last_document_bytes"] = selection.last_bytes;
  made.recipe = {{"haystack", std::move(haystack)},
                 {"inserter", "sentence_boundary"},
                 {"needle_placements", placements_of(hidden.needles)}};
  made.documents = std::move(hidden.documents);
  made.placed = std::move(hidden.needles);
  return made;
}

MadeContext ContextMaker::ready(const TaskTrial& trial) {
  MadeContext made;
  made.documents = {trial.document};
  const Known known = look_at(trial.document);
  made.facts = {counter_.count({trial.document, known.bytes}), known.words, known.bytes, hash_of({known.hash})};
  made.recipe = {{"haystack", {{"document", trial.document.string()}}},
                 {"inserter", nullptr},
                 {"needle_placements", ordered_json::array()}};
  return made;
}

std::vector<fs::path> reconstruct(const json& row, const fs::path& folder, const fs::path& haystack) {
  std::vector<fs::path> documents;
  std::string wanted;
  try {
    const json& recipe = row.at("recipe");
    wanted = row.at("larimar").at("context_xxh3").get<std::string>();
    const json& source = recipe.at("haystack");
    if (source.contains("document")) {
      documents = {haystack.empty() ? fs::path(source["document"].get<std::string>()) : haystack};
    } else {
      const Haystack supply = supplied(source, haystack, folder);
      std::vector<HiddenNeedle> needles = needles_of(recipe.at("needle_placements"), supply);
      documents = write_copies(supply, needles, folder / "copies");
    }
  } catch (const json::exception& error) {
    throw base::FormatError(std::string("the row has no complete recipe: ") + error.what());
  }
  std::vector<std::uint64_t> hashes;
  for (const fs::path& document : documents) hashes.push_back(hash_file(document));
  if (const std::string now = hash_of(hashes); now != wanted) {
    throw base::ConfigError("the rebuilt context has the hash " + now + " and the row's had " + wanted +
                            "; the haystack's files have changed since");
  }
  return documents;
}

}  // namespace larimar::eval
