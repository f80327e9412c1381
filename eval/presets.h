#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "eval/runner.h"
#include "eval/task.h"

namespace larimar::eval {

/// A task by name and its options, as the command line and run files give them. Members that the preset does not use are
/// ignored.
struct Preset {
  std::string name = "passkey";  // one of kPresets
  TaskAxes axes{};
  std::vector<std::string> kinds{"3", "4", "5", "7"};   // passkey: as parse_needle_kind
  std::string wording = "essay";                        // passkey
  std::filesystem::path needles{};                      // needles: JSON lines
  std::uint64_t keys = 1, values = 1, distractors = 0;  // multi, words, uuid
  std::filesystem::path words{};                        // multi, words: a word on each line; empty: made words
  std::uint64_t hops = 3;                               // uuid_chain
  std::filesystem::path babi{};                         // babi: the folder
  std::vector<std::string> babi_tasks{"qa1", "qa2", "qa3", "qa4", "qa5"};
  std::filesystem::path facts{};  // facts: a CounterFact or zsRE file
  std::uint64_t fact_count = 64;
  std::filesystem::path dataset{};  // dataset: a folder that import made
};

inline const std::vector<std::string> kPresets = {"passkey", "needle",     "needles", "multi", "words",
                                                  "uuid",    "uuid_chain", "babi",    "facts", "dataset"};

/// The preset's trials. "needle" is the San Francisco needle alone.
/// Throws UsageError for an unknown preset or a missing file option, and as the tasks do.
[[nodiscard]] Task make_task(const Preset& preset);

/// What a run file or a command line asks for in all.
struct RunSpec {
  std::string name{};                // run_name of the rows
  std::filesystem::path haystack{};  // folder, file, generate:... or "-"
  std::filesystem::path filler{};
  bool repeat = false;
  std::uint64_t piece_bytes = 0;
  std::vector<Preset> tasks{};
  RunScope scope{};
  std::filesystem::path out{};  // empty: the command's
  std::string content{};        // of a run file in one form, for the manifest; empty: none
  std::string system_name{};    // empty: the command's
};

/// `count` values from `least` to `most`. "linear": at equal distances. "sigmoid": 100 / (1 + exp(-0.1 (x - 50))) of those, so
/// that they crowd towards both ends of 0 to 100; 0 and 100 stay. Source: the depth scale of needlehaystack.
/// Throws UsageError for no values, most < least, or another scale.
[[nodiscard]] std::vector<double> spread(double least, double most, std::uint64_t count, const std::string& scale);

/// "0,25,50" or "MIN:MAX:NUM" or "MIN:MAX:NUM:sigmoid". Throws UsageError for anything else.
[[nodiscard]] std::vector<double> parse_values(std::string_view text);

/// "2/8". Throws UsageError for anything else.
[[nodiscard]] Part parse_part(std::string_view text);

/// The part that Slurm's array variables name (SLURM_ARRAY_TASK_ID, _COUNT, _MIN); none outside of an array.
/// Throws UsageError if they are no numbers or the array has gaps.
[[nodiscard]] std::optional<Part> part_from_environment();

}  // namespace larimar::eval
