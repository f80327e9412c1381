#pragma once
// What every rank knows about a job before data flows. Plain structs; equal on all ranks.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/base/ids.h"

namespace larimar::wire {

/// Segments belong to virtual shards, these to shards; so a segment's owner, but not its code, depends on the rank count.
inline constexpr std::uint64_t kVirtualShards = 256;
[[nodiscard]] constexpr std::size_t shard_of_block(std::uint64_t block, std::size_t shards) {
  return static_cast<std::size_t>(block % kVirtualShards) % shards;
}

/// Which shard holds which virtual shard.
class ShardMap {
 public:
  static constexpr std::uint32_t kNobody = UINT32_MAX;  // its shard is lost and nobody took it over

  /// Shared out by remainder; a number of shards stands for that.
  ShardMap(std::size_t shards = 1) : count_(shards) {}  // NOLINT(google-explicit-constructor)
  /// Shapes  owners [kVirtualShards], each below `shards` or kNobody.
  ShardMap(std::size_t shards, std::vector<std::uint32_t> owners) : count_(shards), owners_(std::move(owners)) {}

  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] std::uint32_t owner(std::uint64_t block) const {
    return owners_.empty() ? static_cast<std::uint32_t>(shard_of_block(block, count_))
                           : owners_[block % kVirtualShards];
  }
  /// Virtual shards that nobody holds, rising.
  [[nodiscard]] std::vector<std::uint32_t> missing() const;

 private:
  std::size_t count_;
  std::vector<std::uint32_t> owners_;
};

/// Which rank plays which role. Rank 0 coordinates.
struct RolePlan {
  int ranks = 1;
  std::vector<int> shard_ranks;  // by ShardId
  std::vector<int> decoder_ranks;
  std::optional<ShardMap> survivors_map{};  // after a death; otherwise by remainder

  [[nodiscard]] std::size_t shards() const { return shard_ranks.size(); }
  [[nodiscard]] ShardMap shard_map() const { return survivors_map.value_or(ShardMap(shards())); }
  /// Position in shard_ranks or -1.
  [[nodiscard]] int shard_of(int rank) const;
  [[nodiscard]] int decoder_of(int rank) const;
  /// How many shards are on ranks [first, last).
  [[nodiscard]] std::size_t shards_within(int first, int last) const;
  /// Of "coordinator", "shard", "decoder"; at least one.
  [[nodiscard]] std::vector<std::string> roles_of(int rank) const;
};

/// 1 rank plays everything. From 2 ranks on rank 0 coordinates and does not store; the last `decoders` ranks decode if at
/// least two shards remain, else rank 0 decodes as well; the rest are shards. decoders >= 1.
[[nodiscard]] RolePlan plan_roles(int ranks, int decoders);

/// What becomes of the virtual shards of dead ranks.
enum class Orphans { kTakenOver, kMissing };

/// The plan of those who survive of `first`, a plan without deaths. Who lives keeps its roles and virtual shards, so that as little
/// as possible has to be loaded or encoded again; the lowest rank coordinates beside what it did before. Orphaned virtual
/// shards are spread over the living shards, or are missing. Where no shard lives all but rank 0 become shards (rank 0 too if it is alone),
/// where no decoder lives rank 0 decodes. Each death moves orphans only.
/// Shapes  survivors [ranks], their ranks in `first`, rising, at least one.
[[nodiscard]] RolePlan plan_of_survivors(const RolePlan& first, std::span<const int> survivors, Orphans orphans);

/// What comes back for a read key.
enum class ReadForm : std::uint32_t {
  kCodes,  // the codes of the k best segments, each as it was written
  kBlend,  // one code: the k best segments mixed by softmax, each shard sending its part (m, l, o)
  kSlots,  // partial reads of shared slots, sent with the proposals
};

/// How the proposals of the shards reach the coordinator. The winners are the same.
enum class ProposalRoute : std::uint32_t {
  kBySize,  // kMerged from kMergeFromShards shards on, otherwise kGathered
  kMerged,  // the best are chosen on the way, pair by pair along a tree: log2 of the ranks messages at the coordinator
  kGathered,  // each shard's own message to the coordinator; always with kSlots, whose partial reads do not merge
};
/// Where the two routes cross in simulation (docs/clusters.md, "A thousand ranks in simulation").
inline constexpr std::size_t kMergeFromShards = 24;

/// Sizes of one read, from which every message of it follows.
struct ReadPlan {
  std::size_t queries = 0;
  std::size_t k = 1;          // segments read (kCodes, kBlend) or cited (kSlots) for a query
  std::size_t asked = 2;      // proposals of each shard for a query, >= max(k, 2): the margin is exact
  std::size_t key_size = 0;   // D
  std::size_t code_size = 0;  // C
  ReadForm form = ReadForm::kCodes;
  std::size_t slot_rows = 1;  // partial reads a query with kSlots: the k rows of topk, otherwise one
  double temperature = 0.05;  // of the softmax over scores: kBlend, and kSlots with several rows
  std::uint64_t step = 0;
  ProposalRoute route = ProposalRoute::kBySize;
};

/// Whether the proposals of so many shards are merged on their way.
[[nodiscard]] constexpr bool is_merged(const ReadPlan& plan, std::size_t shards) {
  if (plan.form == ReadForm::kSlots || plan.route == ProposalRoute::kGathered) return false;
  return plan.route == ProposalRoute::kMerged || shards >= kMergeFromShards;
}

/// A segment that the coordinator chose: where its record, and unless slots are shared its code, is. Broadcast as
/// [queries * k].
struct ChosenSegment {
  base::ShardId shard{UINT32_MAX};  // UINT32_MAX: none
  base::SlotIndex slot{};
  float score = 0;  // of its key; the logit of kBlend before it is divided by the temperature
};
static_assert(sizeof(ChosenSegment) == 12);

/// Floats that follow the records of `chosen` segments in a shard's message: codes; or for each query m, l and o [C].
[[nodiscard]] std::size_t code_floats(const ReadPlan& plan, std::size_t chosen);
/// Bytes of a shard's proposal, and of its codes for `chosen` segments: a shard of which nothing was chosen says nothing, 0.
[[nodiscard]] std::size_t proposal_bytes(const ReadPlan& plan);
[[nodiscard]] std::size_t codes_bytes(const ReadPlan& plan, std::size_t chosen);

}  // namespace larimar::wire
