#include "eval/report/cost.h"

#include <algorithm>

#include "common/base/file.h"
#include "eval/report/fields.h"

namespace larimar::eval::report {
namespace {

using nlohmann::json;

Cost cost_of(const json& job, const std::string& system) {
  if (!job.is_object()) throw base::FormatError("it is not a JSON object");
  Cost cost;
  cost.system = system;
  cost.tokens = static_cast<std::uint64_t>(number_field(job, "tokens", 1, 1e15));
  const json& seconds = object_field(job, "seconds");
  for (const auto& phase : seconds.items()) cost.seconds[phase.key()] = number_field(seconds, phase.key(), 0, 1e12);
  const json* ranks = find_field(job, "ranks");
  if (ranks == nullptr || !ranks->is_array()) throw base::FormatError("the field \"ranks\" is missing or not a list");
  for (const json& rank : *ranks) {
    if (!rank.is_object()) throw base::FormatError("an entry of \"ranks\" is not an object");
    const double bytes = number_field(rank, "peak_memory_bytes", 0, 1e18);
    cost.largest_rank_bytes = std::max(cost.largest_rank_bytes, bytes);
    cost.all_ranks_bytes += bytes;
    ++cost.ranks;
  }
  return cost;
}

}  // namespace

std::optional<Cost> read_cost(const std::filesystem::path& folder, const std::string& system) {
  const std::filesystem::path file = folder / "first_job.json";
  if (!std::filesystem::exists(file)) return std::nullopt;
  try {
    return cost_of(json::parse(base::read_file(file)), system);
  } catch (const json::parse_error& error) {
    throw base::FormatError(file.string() + ": byte " + std::to_string(error.byte) + " is not JSON");
  } catch (const base::FormatError& error) {
    throw base::FormatError(file.string() + ": " + error.what());
  }
}

}  // namespace larimar::eval::report
