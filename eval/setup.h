#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/text/tokenizer.h"
#include "eval/needles.h"
#include "eval/results.h"
#include "eval/row.h"
#include "eval/selection.h"
#include "eval/task.h"
#include "eval/trial.h"

namespace larimar::eval {

/// Where an evaluation takes its text from and leaves its rows.
struct EvalSetup {
  std::filesystem::path haystack{};            // folder, file, or generate:...
  std::filesystem::path filler{};              // folder of *.txt or *.txt.zst; empty: none
  std::filesystem::path out{};                 // results.jsonl, manifest.json, contexts/
  const text::Tokenizer* tokenizer = nullptr;  // counts lengths; not owned
  nlohmann::json system{};                     // what is tested (model, keys, decoder, ...), for the manifest
  bool repeat = false;                         // the haystack again and again where a length goes beyond it
  std::uint64_t piece_bytes = 0;               // as SupplyRule
  RowSystem row_system{};                      // what the rows say about it
  std::string run_file{};                      // what a run file said, for the manifest; empty: none

  [[nodiscard]] SupplyRule supply() const { return {haystack, filler, repeat, piece_bytes}; }
};

/// How much was done.
struct EvalOutcome {
  std::size_t rows = 0;   // of the whole grid
  std::size_t asked = 0;  // of them now; the others were there
};

/// What decides a row beside its cell, for the manifest: haystack and filler by content, tokenizer size, system.
/// Throws as list_haystack and base::MappedFile do.
[[nodiscard]] nlohmann::json describe_setup(const EvalSetup& setup);

/// The haystack at each of the lengths, documents made as needed under OUT/contexts.
/// Throws as list_haystack and select_length do.
[[nodiscard]] std::vector<Selection> select_lengths(const EvalSetup& setup, const std::vector<std::uint64_t>& lengths);

/// Throws UsageError naming `axis` if there are no values or one of them is not in `allowed`.
void check_choices(const std::string& axis, const std::vector<std::string>& values,
                   const std::vector<std::string>& allowed);

/// The key modes of a trial and the forms of a query, in the order in which they are run.
inline const std::vector<std::string> kKeyModes = {"prefix", "segment", "sentence"};
inline const std::vector<std::string> kForms = {"prefix", "question"};

/// "L137000": names a length in cells and folders.
[[nodiscard]] std::string length_label(std::uint64_t tokens);

/// A query for a needle: prompt and expected string by the form. Its evidence is plant `plant`.
[[nodiscard]] TaskQuery query_for(const Needle& needle, const std::string& form, std::size_t plant);

/// Asks the queries of `rows` in one call (a query's id is its row's cell), scores the answers and writes the rows.
/// Throws what `ask` throws; Error(kInternal) if a query stays unanswered.
void ask_rows(Trial trial, std::vector<Row> rows, const EvalSetup& setup, const AskFunction& ask, ResultLog& log);

}  // namespace larimar::eval
