#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace larimar::eval::report {

/// What the first job of an evaluation took, the one that reads the whole context.
struct Cost {
  std::string system;
  std::uint64_t tokens = 0;
  std::map<std::string, double> seconds;  // by phase
  std::size_t ranks = 0;
  double largest_rank_bytes = 0;  // peak memory of the rank that has most
  double all_ranks_bytes = 0;     // peaks of all ranks, added
};

/// Reads FOLDER/first_job.json; nothing if there is none.
/// Throws FormatError naming file and field.
[[nodiscard]] std::optional<Cost> read_cost(const std::filesystem::path& folder, const std::string& system);

}  // namespace larimar::eval::report
