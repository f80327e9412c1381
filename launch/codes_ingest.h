#pragma once
#include <cstdint>
#include <filesystem>

#include "common/comm/transport.h"
#include "coordinator/cost_model.h"
#include "launch/codes_file.h"
#include "launch/commands.h"
#include "launch/memory_folder.h"
#include "launch/write.h"

namespace larimar::launch {

/// Rows of a codes file that make one block of the memory.
inline constexpr std::size_t kRowsPerBlock = 64;

/// Rank 0 coordinates and every rank stores: there is nothing to decode.
[[nodiscard]] wire::RolePlan plan_storage(int ranks);

/// Codes that were made elsewhere, into a new memory or behind what is there. All is checked before the first byte is
/// written. Calls collective. Throws AgreedError. Returns the exit code.
[[nodiscard]] int ingest_codes(comm::Transport& transport, Session& session, const IngestCommand& command);

/// Parts of it that an update shares. All local.
/// The file as a document of the manifest: its blocks are kRowsPerBlock rows.
[[nodiscard]] NewDocument describe_codes(const CodesFile& file);
/// Throws ShapeError if the file's sizes are not the memory's.
void check_fits(const CodesFile& file, const store::Manifest& manifest);
/// check_rows of a share of the rows, so that the ranks together look at all of them.
void check_own_rows(const CodesFile& file, const wire::RolePlan& roles, int rank);
/// This shard's blocks into its logs, but for those that are there already. Not synced.
void append_codes(const CodesFile& file, std::uint64_t first_block, std::uint32_t document,
                  const shard::ShardPlace& place, shard::LogWriters& logs);

/// What coordinator::predict_codes_ingest() has to know of an ingest and only the finished memory tells. Local.
[[nodiscard]] coordinator::CodesIngest sizes_of_ingest(const std::filesystem::path& memory,
                                                       const store::Manifest& manifest, std::size_t shards);

/// Ends of the logs, the key memory if one must be learnt, and the manifest that makes it all count.
/// Calls   collective. `logs` is null on ranks without a shard.
void finish_ingest(comm::Transport& transport, MemoryFolder& memory, const shard::LogWriters* logs,
                   const shard::ShardPlace& place, const KeyMemorySource& source);

}  // namespace larimar::launch
