#pragma once
// How a plan is told.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/capacity_plan.h"

namespace larimar::launch {

/// A plan, and the question that it answers.
struct PlannedMemory {
  std::uint64_t tokens = 0;
  int ranks = 1;
  std::string keys, key_store;
  bool key_folder = false;
  std::uint64_t memory_per_rank = 0;  // bytes; 0: not asked
  coordinator::MemoryShape shape{};
  coordinator::CapacityPlan plan{};
  std::optional<int> least_ranks{};   // that fit, by the same key store; only where memory_per_rank > 0
  std::vector<std::string> advice{};  // options that would make it fit; empty where it does

  [[nodiscard]] bool fits() const { return memory_per_rank == 0 || plan.rank_bytes <= memory_per_rank; }
};

[[nodiscard]] nlohmann::json to_json(const PlannedMemory& planned);
[[nodiscard]] std::string to_text(const PlannedMemory& planned);

}  // namespace larimar::launch
