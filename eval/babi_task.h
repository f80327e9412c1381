#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "eval/task.h"

namespace larimar::eval {

/// A question of a bAbI file with the story up to it.
struct BabiSample {
  std::vector<std::string> facts;
  std::string question;
  std::vector<std::string> answers;   // one, or the items of a list
  std::vector<std::size_t> evidence;  // supporting facts, indices into `facts`
};

/// The questions of a bAbI file ("N fact" or "N question<tab>answer<tab>numbers of facts"; N = 1 begins a story), in order.
/// Throws MissingInputError if the file is absent or has no question, FormatError naming file and line for any other line.
[[nodiscard]] std::vector<BabiSample> read_babi(const std::filesystem::path& file);

struct BabiOptions {
  std::filesystem::path folder;           // with files qaN_*.txt, those with "test" in their names first
  std::vector<std::string> tasks{"qa1"};  // "qa1" to "qa20"
  std::uint64_t first_seed = 1;
  std::uint64_t samples = 10;  // questions of each task, drawn by their seeds
};

/// As BABILong: the facts of a story stand at random rising depths in the haystack, in their order, and its question is asked.
/// An answer is right if it holds the label as whole words. The depth of a row is that of its first supporting fact.
/// Throws UsageError for a task that does not exist; MissingInputError if its file is absent; as read_babi.
[[nodiscard]] Task babi_task(const BabiOptions& options);

}  // namespace larimar::eval
