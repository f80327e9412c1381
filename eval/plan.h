#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "eval/runner.h"

namespace larimar::eval {

/// What a run would do, without doing it.
struct RunPlan {
  std::uint64_t cells = 0;     // (task, length, depth, key mode, form) that rows fall into
  std::uint64_t queries = 0;   // rows
  std::uint64_t contexts = 0;  // calls of the system
  std::uint64_t longest_tokens = 0;
  std::uint64_t context_bytes = 0;  // of all contexts; most of them share nearly all of their bytes
  double seconds = 0;               // estimates, see kPlanRates
  double shard_bytes = 0;           // memory of a rank that holds a shard
  double other_bytes = 0;           // of another rank
};

/// What the estimates rest on, measured with larimar-compact and MiniLM keys on one core for each rank; a plan says so.
struct PlanRates {
  double tokens_per_second = 4500;  // encoding, of one shard
  double bytes_per_token = 4.1;     // of English text
  double tokens_again =
      2000;  // a context that differs by a sentence: a block of 16 KiB is encoded again, half full on average
  double seconds_per_context = 0.12;    // reading, decoding, files
  double shard_base_bytes = 370e6;      // networks and program
  double shard_bytes_per_token = 1050;  // codes, keys and the cache of encoded blocks
  double other_base_bytes = 285e6;
};
inline constexpr PlanRates kPlanRates{};

/// `whole_tokens`: the haystack's size, for length 0. `shards` >= 1. Local; reads nothing but ready documents' sizes.
/// Throws as list_units; MissingInputError if a ready document is absent.
[[nodiscard]] RunPlan plan_run(std::span<const Task> tasks, const RunScope& scope, std::uint64_t whole_tokens,
                               int shards);

/// Lines for the user.
[[nodiscard]] std::string to_text(const RunPlan& plan, int ranks);

}  // namespace larimar::eval
