#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "eval/filler.h"
#include "eval/generator.h"
#include "eval/haystack.h"

namespace larimar::eval {

/// Where the text of contexts comes from.
struct SupplyRule {
  std::filesystem::path haystack;  // folder, file, or generate:...
  std::filesystem::path filler{};  // folder of *.txt or *.txt.zst behind the haystack; empty: none
  bool repeat = false;             // the haystack again and again, where it and the filler end
  std::uint64_t piece_bytes = 0;   // documents cut at paragraphs into files of about this size; 0: as they are
};

/// {"source", "filler", "beyond": "refuse" or "repeat", "piece_bytes"}: part of a recipe.
[[nodiscard]] nlohmann::ordered_json to_json(const SupplyRule& rule);
/// Throws FormatError naming the field that is missing or of the wrong kind.
[[nodiscard]] SupplyRule supply_from_json(const nlohmann::json& object);

/// Hands out documents in an order that depends on the rule and the files alone. Pieces, generated files and filler are
/// written under `folder`, the same each time. Not shared between threads.
class Supply {
 public:
  /// Throws as list_haystack, parse_generator, FillerFiles and write_if_changed do.
  Supply(const SupplyRule& rule, std::filesystem::path folder);

  /// The next document; nothing when all are used up. A generator never ends.
  [[nodiscard]] std::optional<Document> next();

  /// The documents of the haystack itself; none with a generator.
  [[nodiscard]] const Haystack& whole() const { return whole_; }

 private:
  SupplyRule rule_;
  std::filesystem::path folder_;
  std::optional<Generator> generator_;
  Haystack whole_;
  std::uint64_t taken_ = 0;
  std::optional<FillerFiles> filler_;
  bool filler_ended_ = false;
};

}  // namespace larimar::eval
