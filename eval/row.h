#pragma once
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "eval/placement.h"
#include "eval/score.h"
#include "eval/trial.h"

namespace larimar::eval {

/// One line of results.jsonl: one query of one trial. The outer fields have the names of needlehaystack 2.0; ours stand
/// in the object `larimar`.
struct Row {
  std::string cell;  // names the query in the whole evaluation: kind/length/depth/seed/key mode/form
  std::string kind;  // "passkey", "uuid", "san_francisco", "everyday" or the name of a needle file
  int digits = 0;
  std::uint64_t context_length = 0;  // tokens asked for; 0: the whole haystack
  std::uint64_t context_tokens = 0;  // tokens that it has, without needles
  double depth = 0;                  // percent asked for
  std::uint64_t seed = 0;
  std::string key_mode;
  std::string form;  // "prefix" or "question"
  std::string needle;
  HiddenNeedle placed;
  std::string expected;
  std::string prompt;
  Answer answer;
  Score score;
  double seconds = 0;  // of the trial's call, shared by its queries
};

/// The row as one JSON object; `run` is the fingerprint of its configuration.
[[nodiscard]] nlohmann::ordered_json to_json(const Row& row, const std::string& run);

/// What the summary needs of a row: everything but the answer's texts and citations.
/// Throws FormatError naming the field that is missing or of the wrong kind.
[[nodiscard]] Row read_row(const nlohmann::json& object);

}  // namespace larimar::eval
