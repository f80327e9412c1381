#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/placement.h"
#include "eval/score.h"
#include "eval/trial.h"

namespace larimar::eval {

/// What a context is, with everything that was hidden in it.
struct ContextFacts {
  std::uint64_t tokens = 0;  // by the tokenizer that counts lengths
  std::uint64_t words = 0;   // runs without white space
  std::uint64_t bytes = 0;
  std::string xxh3{};  // over the hashes of its documents, in order
};

/// Who answered, the same in all rows of a run.
struct RowSystem {
  std::string name = "larimar";  // rows of several systems are compared by it
  std::string model{};
  std::string tokenizer{};  // that counts lengths
  std::string run_name{};   // of a run file, or the command
  int ranks = 1;
  nlohmann::ordered_json
      language{};             // what a language model did beside it: {rerank, candidates, reader, model}, or null
  bool retrieves = true;      // cites places; otherwise the scores of retrieval are null
  bool has_key_modes = true;  // otherwise the rows' key_mode is empty; their cells name it all the same
};

/// One line of results.jsonl: one query of one trial. The outer fields have the names of needlehaystack 2.0; ours stand
/// in the object `larimar`.
struct Row {
  std::string run{};  // fingerprint of the configuration, of a row that was read; to_json() is given it
  std::string cell;   // names the query in the whole evaluation: length/kind/depth/seed/key mode/form
  std::string kind;   // "passkey", "uuid", "san_francisco", "everyday", "multi", "qa1" or the name of a needle file
  int digits = 0;
  std::uint64_t context_length = 0;  // tokens asked for; 0: the whole haystack
  double depth = 0;                  // percent asked for
  std::uint64_t seed = 0;
  std::string key_mode;
  std::string form;                  // "prefix" or "question"
  std::vector<HiddenNeedle> placed;  // what the answer rests on
  std::vector<std::string> expected;
  bool whole_words = false;
  Wanted wanted = Wanted::kAll;  // of the expected strings
  std::string prompt;
  ContextFacts context;
  nlohmann::ordered_json recipe;  // rebuilds the context: see eval/context.h
  RowSystem system;
  Answer answer;
  Score score;
  double seconds = 0;  // of the trial's call, shared by its queries
};

/// The row as one JSON object; `run` is the fingerprint of its configuration.
[[nodiscard]] nlohmann::ordered_json to_json(const Row& row, const std::string& run);

/// What summaries and exports need of a row: everything but the answer's texts and citations, recipe and places.
/// Throws FormatError naming the field that is missing or of the wrong kind.
[[nodiscard]] Row read_row(const nlohmann::json& object);

}  // namespace larimar::eval
