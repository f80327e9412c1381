#pragma once
#include <cstdint>

#include "common/comm/transport.h"
#include "launch/commands.h"
#include "launch/memory_folder.h"
#include "launch/write.h"

namespace larimar::launch {

/// Rows of a codes file that make one block of the memory.
inline constexpr std::size_t kRowsPerBlock = 256;

/// Rank 0 coordinates and every rank stores: there is nothing to decode.
[[nodiscard]] wire::RolePlan plan_storage(int ranks);

/// Codes that were made elsewhere, into a new memory or behind what is there. All is checked before the first byte is
/// written. Calls collective. Throws AgreedError. Returns the exit code.
[[nodiscard]] int ingest_codes(comm::Transport& transport, const IngestCommand& command);

/// Ends of the logs, the key memory if one must be learnt, and the manifest that makes it all count.
/// Calls   collective. `logs` is null on ranks without a shard.
void finish_ingest(comm::Transport& transport, MemoryFolder& memory, const shard::LogWriters* logs,
                   const shard::ShardPlace& place, const KeyMemorySource& source);

}  // namespace larimar::launch
