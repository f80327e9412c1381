#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "common/wire/plan.h"
#include "coordinator/aggregator.h"

namespace larimar::coordinator {

/// z_read of a batch of queries, with where it comes from.
struct BatchRead {
  linalg::Matrix z_read;                     // [queries * reads, C]; a row of zeros where nothing was read
  std::size_t reads = 1;                     // codes read for a query: k in stored addressing, 1 in a codebook
  std::vector<wire::CodeRecord> records;     // [queries * k] sources, best first; status kEmpty where there is none
  std::vector<float> scores;                 // [queries * k] similarity of each source's key
  std::vector<std::optional<float>> margin;  // [queries]
  std::vector<std::uint64_t> averaged;       // [queries] codes behind a codebook read; 1 in stored addressing
  Participation participation;
};

/// The coordinator's part of a read: proposals of the shards in, choice out; codes in, z_read out. Knows messages as
/// bytes and nothing of how they travel. choose() comes before assemble(), once each for a read.
class CoordinatorService {
 public:
  /// ridge >= 0 applies to codebook reads (coordinator/aggregator.h).
  CoordinatorService(std::size_t shards, double ridge) : shards_(shards), ridge_(ridge) {}

  /// Shapes  proposals: one message of wire::proposal_bytes(plan) for each shard, in ShardId order.
  ///         Returns [queries * k], to be broadcast.
  /// Calls   local. Throws CommError for a message that is not of this read.
  [[nodiscard]] std::vector<wire::ChosenSegment> choose(const wire::ReadPlan& plan,
                                                        std::span<const std::byte> proposals);

  /// Shapes  codes: for each shard, in ShardId order, one message of wire::codes_bytes for what was chosen from it.
  [[nodiscard]] BatchRead assemble(const wire::ReadPlan& plan, std::span<const std::byte> codes);

  /// Segments that the last choose() took from each shard.
  [[nodiscard]] static std::vector<std::size_t> chosen_per_shard(std::span<const wire::ChosenSegment> chosen,
                                                                 std::size_t shards);

 private:
  std::size_t shards_;
  double ridge_;
  MergedRead merged_;
  std::optional<SlotResult> slots_;  // codebook
};

}  // namespace larimar::coordinator
