#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/text/tokenizer.h"
#include "eval/results.h"
#include "eval/row.h"
#include "eval/selection.h"
#include "eval/trial.h"

namespace larimar::eval {

/// Where an evaluation takes its text from and leaves its rows.
struct EvalSetup {
  std::filesystem::path haystack;              // folder or file
  std::filesystem::path filler;                // folder of *.txt or *.txt.zst; empty: none
  std::filesystem::path out;                   // results.jsonl, manifest.json, contexts/
  const text::Tokenizer* tokenizer = nullptr;  // counts lengths; not owned
  nlohmann::json system;                       // what is tested (model, keys, decoder, ...), for the manifest
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

/// A row with what is known before the answer: needle, expected string and prompt by its form.
[[nodiscard]] Row expect(const Needle& needle, const std::string& form);

/// Asks the queries of `rows` in one call (a query's id is its row's cell), scores the answers and writes the rows.
/// Throws what `ask` throws; Error(kInternal) if a query stays unanswered.
void ask_rows(Trial trial, std::vector<Row> rows, const AskFunction& ask, ResultLog& log);

}  // namespace larimar::eval
