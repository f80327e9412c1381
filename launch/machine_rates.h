#pragma once
// How fast a machine is, for plans: as measured once on the machine of docs/scaling.md, or as a file says.
#include <filesystem>
#include <string>

#include "coordinator/capacity_plan.h"
#include "shard/key_store.h"

namespace larimar::launch {

/// What makes keys of text. "minilm", "static", "model".
enum class KeyMaker { kMinilm, kStatic, kModel };
/// Throws UsageError listing the names.
[[nodiscard]] KeyMaker parse_key_maker(const std::string& name);
/// Components of its keys.
[[nodiscard]] std::size_t key_size_of(KeyMaker maker);
/// Bytes of a component as a scan passes over it.
[[nodiscard]] std::size_t bytes_of(shard::KeyStore store);

[[nodiscard]] coordinator::MachineRates usual_rates(KeyMaker maker, shard::KeyStore store);
[[nodiscard]] coordinator::Footprint usual_footprint(KeyMaker maker);

/// Name of the line of `larimar bench scaling` that holds the rate of storing, in MB/s.
inline constexpr const char* kStoringRate = "storing by the busiest rank";

/// `rates`, but for what the file tells: lines of `larimar bench --json` (message of 8 bytes, scans of this store, storing), and above
/// them an object "rates" with any of segmenting, codes, keys (tokens a second), storing, scanning, bandwidth (bytes a second),
/// batch_flops, latency and overhead (seconds).
/// Calls   local; reads the file. Throws MissingInputError; FormatError naming file and place.
[[nodiscard]] coordinator::MachineRates read_rates(const std::filesystem::path& path, shard::KeyStore store,
                                                   coordinator::MachineRates rates);

}  // namespace larimar::launch
