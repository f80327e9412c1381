#pragma once
// The best proposals of a run of neighbouring shards as one message (grammar in common/wire/read.h), and how two of them
// become one. Ranks without a shard have the empty message.
#include <cstddef>
#include <span>
#include <vector>

#include "common/wire/plan.h"
#include "common/wire/read.h"

namespace larimar::wire {

/// Bytes of the merged message of that many shards; 0 of none.
[[nodiscard]] std::size_t merged_bytes(const ReadPlan& plan, std::size_t shards);

/// What a merged message holds.
struct Merged {
  base::ShardId first{};               // of the run
  std::vector<Proposal> proposals{};   // [queries, asked], best first, each segment once, absent ones last
  std::vector<ReadStatus> statuses{};  // [shards of the run]
};

/// Throws CommError for another length, header or status, naming the first shard of the run; and for a score that is not a number.
[[nodiscard]] Merged unpack_merged(const ReadPlan& plan, std::span<const std::byte> message);

/// A shard's own proposal (kind kCandidates) as the run of that one shard. A failed shard's proposals are left out.
/// Throws CommError as unpack_merged.
[[nodiscard]] std::vector<std::byte> merged_of_one(const ReadPlan& plan, std::span<const std::byte> proposal);

/// The message of two runs, `high` the one behind `low`. Associative: the best of all, ties by the lower segment, whatever the
/// order of merging. Throws CommError as unpack_merged, or if the runs are not neighbours.
/// Cost    O(queries * asked^2).
[[nodiscard]] std::vector<std::byte> merge(const ReadPlan& plan, std::span<const std::byte> low,
                                           std::span<const std::byte> high);

}  // namespace larimar::wire
