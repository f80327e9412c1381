#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace larimar::eval {

/// A sentence to hide, and where.
struct Plant {
  std::string text;
  double depth = 0;  // percent of the context's bytes before it
};

/// Which of the expected strings a right answer holds: all of them, any of them (they are alternatives), or none.
enum class Wanted { kAll, kAny, kNone };

/// One thing to ask in a trial; a row of the results.
struct TaskQuery {
  std::string name;  // part of its cell; empty where the form alone names it
  std::string form;  // "prefix" (to be completed) or "question"
  std::string prompt;
  std::vector<std::string> expected;  // at least one
  std::vector<std::size_t> evidence;  // plants that the answer rests on; may be empty for a ready context
  double depth = 0;                   // target_depth_percent of the row
  std::string kind{};                 // of the row; empty: the trial's
  bool whole_words = false;           // an expected string must not be part of a longer word
  Wanted wanted = Wanted::kAll;       // of the expected strings
};

/// A context and what is asked about it: either plants in the haystack, or a ready document.
struct TaskTrial {
  std::string name;  // part of its cells: kind, depth and seed, say
  std::string kind;  // task_type of the rows
  int digits = 0;    // of a passkey
  std::uint64_t seed = 0;
  std::vector<Plant> plants{};  // reading order; those at equal depths follow each other as listed
  std::vector<TaskQuery> queries{};
  std::filesystem::path document{};   // the whole context; empty: haystack and plants
  std::uint64_t document_length = 0;  // tokens that such a document was made for; 0: unknown
};

/// What one evaluation asks. Data only: every preset, run file and imported data set becomes one of these, and one runner
/// (eval/runner.h) does lengths, key modes, resuming, rows and progress for all of them.
struct Task {
  std::string name;            // "passkey", "multi", ...
  nlohmann::json description;  // members for the manifest: what decides the trials beside their names
  std::vector<TaskTrial> trials;
};

/// Axes that tasks with depths and seeds share.
struct TaskAxes {
  std::vector<double> depths = {0, 25, 50, 75, 100};
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1;  // trials at each depth, with other keys
  std::vector<std::string> forms = {"prefix"};
};

/// Throws UsageError for an empty axis, a depth outside 0 to 100, or a form that does not exist.
void check_axes(const TaskAxes& axes);

/// "D12.5/S3": names depth and seed in cells.
[[nodiscard]] std::string place_label(double depth, std::uint64_t seed);

}  // namespace larimar::eval
