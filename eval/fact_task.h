#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "eval/task.h"

namespace larimar::eval {

/// A fact that is known, and what it is to be changed to.
struct EditableFact {
  std::string prompt;  // "The mother tongue of Danielle Darrieux is", or a question
  std::string before;
  std::string after;
  std::string rephrased;  // the same asked in other words
};

/// The facts of a JSON list with the fields of CounterFact (prompt, ground_truth, target_new, rephrase_prompt) or zsRE (src,
/// answers, alt, rephrase); those with an empty text, or without a change, are left out, as are repeated prompts.
/// Throws MissingInputError if the file is absent, FormatError naming the record otherwise or if none is left.
[[nodiscard]] std::vector<EditableFact> read_editable_facts(const std::filesystem::path& file);

struct FactTaskOptions {
  std::filesystem::path file;
  std::uint64_t facts = 64;  // in each trial, drawn by its seed
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1;
  std::vector<std::string> forms = {"prefix"};  // "question" asks with the rephrased text
};

/// Knowledge that is written, edited and forgotten, over the text path: in each trial the facts stand in the haystack at even
/// depths, and a later trial has the context as it is after the change, which a memory's forget and append give exactly.
///   facts_written    all facts as they are; asked for all
///   facts_edited     every second fact is replaced by its new object; those are asked for
///   facts_kept       the others are asked for in the same context
///   facts_forgotten  the replaced ones are taken out; an answer is right that has neither object
///   facts_retained   the others are asked for in that context
/// Throws UsageError for no facts or too many; as read_editable_facts.
[[nodiscard]] Task fact_task(const FactTaskOptions& options);

}  // namespace larimar::eval
