#pragma once
// What every rank knows about a job before data flows. Plain structs; equal on all ranks.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/ids.h"

namespace larimar::wire {

/// Which rank plays which role. Rank 0 coordinates.
struct RolePlan {
  int ranks = 1;
  std::vector<int> shard_ranks;  // by ShardId
  std::vector<int> decoder_ranks;

  [[nodiscard]] std::size_t shards() const { return shard_ranks.size(); }
  /// Position in shard_ranks or -1.
  [[nodiscard]] int shard_of(int rank) const;
  [[nodiscard]] int decoder_of(int rank) const;
  /// Of "coordinator", "shard", "decoder"; at least one.
  [[nodiscard]] std::vector<std::string> roles_of(int rank) const;
};

/// 1 rank plays everything. From 2 ranks on rank 0 coordinates and does not store; the last `decoders` ranks decode if at
/// least two shards remain, else rank 0 decodes as well; the rest are shards. decoders >= 1.
[[nodiscard]] RolePlan plan_roles(int ranks, int decoders);

/// Segments belong to virtual shards, these to shards; so a segment's owner, but not its code, depends on the rank count.
inline constexpr std::uint64_t kVirtualShards = 256;
[[nodiscard]] constexpr std::size_t shard_of_block(std::uint64_t block, std::size_t shards) {
  return static_cast<std::size_t>(block % kVirtualShards) % shards;
}

/// Sizes of one read, from which every message of it follows.
struct ReadPlan {
  std::size_t queries = 0;
  std::size_t k = 1;          // segments read for a query
  std::size_t asked = 2;      // proposals of each shard for a query, >= max(k, 2): the margin is exact
  std::size_t key_size = 0;   // D
  std::size_t code_size = 0;  // C
  bool codebook = false;      // slot reads travel too, and codes come with them
  std::uint64_t step = 0;
};

/// A segment that the coordinator chose: where its record, and in stored addressing its code, is. Broadcast as [queries * k].
struct ChosenSegment {
  base::ShardId shard{UINT32_MAX};  // UINT32_MAX: none
  base::SlotIndex slot{};
};
static_assert(sizeof(ChosenSegment) == 8);

/// Bytes of a shard's proposal, and of its codes for `chosen` segments.
[[nodiscard]] std::size_t proposal_bytes(const ReadPlan& plan);
[[nodiscard]] std::size_t codes_bytes(const ReadPlan& plan, std::size_t chosen);

}  // namespace larimar::wire
