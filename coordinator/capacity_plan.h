#pragma once
// What a memory takes before anybody makes it: time to write and to read it, memory of each rank, disk. Pure functions; how each
// figure is made up, and how far it was off where it could be measured, stands in docs/scaling.md.
#include <cstddef>
#include <cstdint>
#include <optional>

#include "common/wire/plan.h"
#include "coordinator/cost_model.h"

namespace larimar::coordinator {

/// What is to be kept, and how it is asked. Every count > 0.
struct MemoryShape {
  std::uint64_t tokens = 0, segments = 0;
  std::uint64_t blocks = 0;                     // that they come in; dealt out to the virtual shards in turn
  std::size_t code_size = 768, key_size = 384;  // components
  std::size_t key_bytes = sizeof(float);        // a component, as a scan passes over it: 4, 2 or 1
  bool keys_in_files = false;                   // compressed keys in mapped files instead of memory
  std::size_t reads = 4;                        // segments read for a query
};

/// What one rank with one thread does in a second, while all others of its machine do the same. Each > 0.
struct MachineRates {
  double segmenting = 0;   // tokens: cutting text, and whatever is neither codes nor keys nor storing
  double codes = 0;        // tokens through the encoder of codes
  double keys = 0;         // tokens through what makes keys
  double storing = 0;      // bytes into logs, checksums and copies included
  double scanning = 0;     // bytes of keys, for one query
  double batch_flops = 0;  // of dot products of many queries with keys
  Network network;
};

/// Resident bytes of a rank besides segments: those of the program, and what each of its roles adds.
struct Footprint {
  std::uint64_t program = 0, coordinator = 0, decoder = 0;
  std::uint64_t ingesting = 0;  // networks of a shard while it encodes; it then keeps no segments
};

struct CapacityPlan {
  std::size_t shards = 0, shards_used = 0;  // ranks that store; those that hold anything
  std::uint64_t largest_shard = 0;          // segments of the fullest one
  double ingest_seconds = 0;                // until the fullest shard has encoded and stored its share
  double read_seconds = 0,
         batch_seconds = 0;       // from read keys on rank 0 to z_read there: of 1 query, and of kPlannedBatch
  std::uint64_t shard_bytes = 0;  // segments in memory of the fullest shard while it is asked
  std::uint64_t rank_bytes = 0;   // all of the rank that needs most, in either job
  std::uint64_t disk_bytes = 0;   // the whole folder, but for the manifest
  Cost read, batch;               // messages of both
};
inline constexpr std::size_t kPlannedBatch = 64;

/// Segments of the shard that holds most: blocks are whole, and there are only kVirtualShards places to put them, so that ranks beyond
/// these hold nothing. Precondition: shards > 0.
[[nodiscard]] std::uint64_t largest_share(const MemoryShape& shape, std::size_t shards);
/// Bytes of `segments` segments in the memory of a shard that is asked.
[[nodiscard]] std::uint64_t bytes_in_memory(const MemoryShape& shape, std::uint64_t segments);
/// Bytes in the logs, of all segments.
[[nodiscard]] std::uint64_t bytes_on_disk(const MemoryShape& shape);

/// Processor seconds of the fullest of `shards` shards: to write its share, and to search it for so many queries at once.
[[nodiscard]] double ingest_seconds(const MemoryShape& shape, const MachineRates& rates, std::size_t shards);
[[nodiscard]] double store_seconds(const MemoryShape& shape, const MachineRates& rates, std::size_t shards);
[[nodiscard]] double search_seconds(const MemoryShape& shape, const MachineRates& rates, std::size_t shards,
                                    std::size_t queries);

/// Throws ConfigError for a count or rate that is not above 0.
[[nodiscard]] CapacityPlan plan_capacity(const MemoryShape& shape, const wire::RolePlan& roles,
                                         const MachineRates& rates, const Footprint& footprint);

/// The most that a rank of this plan holds, resident.
[[nodiscard]] std::uint64_t most_bytes_of_a_rank(const MemoryShape& shape, const wire::RolePlan& roles,
                                                 const Footprint& footprint);

/// The smallest number of ranks, by wire::plan_roles, on none of which more than `bytes` is resident; nothing if no number will do,
/// since shards beyond kVirtualShards hold nothing.
[[nodiscard]] std::optional<int> least_ranks(const MemoryShape& shape, int decoders, const Footprint& footprint,
                                             std::uint64_t bytes);

}  // namespace larimar::coordinator
