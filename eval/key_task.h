#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "eval/random.h"
#include "eval/task.h"

namespace larimar::eval {

/// Needles that tie values to keys, as RULER's NIAH tasks do: "The secret number of <key> is <value>."
struct KeyTaskOptions {
  std::string name = "multi";         // task_type of the rows
  std::string keys_are = "word";      // "word" or "uuid"
  std::string values_are = "number";  // "number" (7 digits), "word" or "uuid"
  std::uint64_t keys = 1;             // that are asked for, one query each
  std::uint64_t values = 1;           // of each key; the score is the share of them in the answer
  std::uint64_t distractors = 0;      // keys with one value each that nobody asks for
  std::vector<std::string> words{};   // to draw words from; empty: made of syllables
};

/// keys x values + distractors plants in each trial, drawn from the seed, depth and options alone. The first value of the
/// first key stands at the axis' depth, all others at random depths. Values and keys of a trial are distinct.
/// Throws UsageError as check_axes, for kinds that do not exist, no key or value, or too few words.
[[nodiscard]] Task key_task(const TaskAxes& axes, const KeyTaskOptions& options);

/// A chain of UUIDs, each named by the one before it, in random places: asked for by the first one, expected are all that
/// follow. The score is the share of hops. The first link stands at the axis' depth.
/// Throws UsageError as check_axes and for no hop.
[[nodiscard]] Task chain_task(const TaskAxes& axes, std::uint64_t hops);

/// A made word of three syllables, say "belunar".
[[nodiscard]] std::string draw_word(Random& random);

}  // namespace larimar::eval
