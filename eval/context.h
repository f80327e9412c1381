#pragma once
// From a trial to documents on disk, and from a row's recipe back to the same bytes.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "eval/row.h"
#include "eval/selection.h"
#include "eval/setup.h"
#include "eval/task.h"

namespace larimar::eval {

/// A trial's context on disk.
struct MadeContext {
  std::vector<std::filesystem::path> documents;  // in reading order
  std::vector<HiddenNeedle> placed;              // as the trial's plants
  ContextFacts facts;
  /// {"haystack": {source, filler, beyond, piece_bytes, documents, last_document_bytes}, "inserter": "sentence_boundary",
  ///  "needle_placements": [{needle, document, document_index, offset, byte_begin, byte_end, depth_percent}]}; of a ready
  /// document {"haystack": {"document": path}}.
  nlohmann::ordered_json recipe;
};

/// Makes contexts and keeps what it counted and hashed, by path: documents that trials share are read for this once.
/// The setup must outlive it. Not shared between threads.
class ContextMaker {
 public:
  explicit ContextMaker(const EvalSetup& setup) : setup_(setup), counter_(*setup.tokenizer) {}

  /// The trial's plants in a selection; copies go to OUT/contexts/`label`. Throws as hide_plants.
  [[nodiscard]] MadeContext hide(const TaskTrial& trial, const Selection& selection, const std::string& label);

  /// The trial's own document. Throws MissingInputError if it cannot be read.
  [[nodiscard]] MadeContext ready(const TaskTrial& trial);

 private:
  struct Known {
    std::uint64_t words = 0;
    std::uint64_t bytes = 0;
    std::uint64_t hash = 0;
  };
  Known look_at(const std::filesystem::path& document);
  Known remembered(const std::filesystem::path& document);

  const EvalSetup& setup_;
  TokenCounter counter_;
  std::unordered_map<std::string, Known> known_;
};

/// Rebuilds the context of a row from its recipe alone, without tokenizer or model, in `folder`: the documents in reading
/// order. `haystack`, if not empty, stands for the source that the recipe names.
/// Throws FormatError if the recipe is incomplete, ConfigError if the documents are no longer those of the row (their
/// hash differs from larimar.context_xxh3); else as Supply.
[[nodiscard]] std::vector<std::filesystem::path> reconstruct(const nlohmann::json& row,
                                                             const std::filesystem::path& folder,
                                                             const std::filesystem::path& haystack = {});

}  // namespace larimar::eval
