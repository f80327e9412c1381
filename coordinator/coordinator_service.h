#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "common/wire/plan.h"
#include "coordinator/aggregator.h"

namespace larimar::coordinator {

/// z_read of a batch of queries, with where it comes from.
struct BatchRead {
  linalg::Matrix z_read;                     // [queries * reads, C]; a row of zeros where nothing was read
  std::size_t reads = 1;                     // codes read for a query: k with ReadForm::kCodes, otherwise 1
  std::vector<wire::CodeRecord> records;     // [queries * k] sources, best first; status kEmpty where there is none
  std::vector<float> scores;                 // [queries * k] similarity of each source's key
  std::vector<std::optional<float>> margin;  // [queries]
  /// [queries * k] share of each source in the query's first code: 1 and zeros for `best` of stored keys, the softmax of a
  /// blend, one part of a slot's mean; NaN where a share is not defined (dense and Gaussian weights, several rows).
  std::vector<double> weights;
  /// [queries] what the first code was read from: the best segment's slot in its shard, a codebook's row; -1 for weights
  /// over all slots, and where nothing was read.
  std::vector<std::int64_t> slots;
  Participation participation;
};

/// The coordinator's part of a read: proposals of the shards in, choice out; codes in, z_read out. Knows messages as
/// bytes and nothing of how they travel. choose() comes before assemble(), once each for a read.
class CoordinatorService {
 public:
  /// The addresser is needed by hierarchical aggregation only; null with stored keys.
  CoordinatorService(std::size_t shards, const memory::MemoryRules& rules,
                     std::shared_ptr<const memory::Addresser> addresser = nullptr)
      : shards_(shards), rules_(rules), addresser_(std::move(addresser)) {}

  /// Shapes  proposals: where wire::is_merged(plan, shards) the one merged message of all shards; otherwise a message of
  ///         wire::proposal_bytes(plan) for each shard, in ShardId order. keys [queries, D], the read keys. Returns
  ///         [queries * k], to be broadcast.
  /// Calls   local. Throws CommError for a message that is not of this read.
  [[nodiscard]] std::vector<wire::ChosenSegment> choose(const wire::ReadPlan& plan, linalg::ConstMatrixRef keys,
                                                        std::span<const std::byte> proposals);

  /// Shapes  codes: for each shard from which something was chosen, in ShardId order, a message of wire::codes_bytes.
  [[nodiscard]] BatchRead assemble(const wire::ReadPlan& plan, std::span<const std::byte> codes);

  /// Segments that the last choose() took from each shard.
  [[nodiscard]] static std::vector<std::size_t> chosen_per_shard(std::span<const wire::ChosenSegment> chosen,
                                                                 std::size_t shards);

 private:
  void merge_gathered(const wire::ReadPlan& plan, linalg::ConstMatrixRef keys, std::span<const std::byte> proposals);
  [[nodiscard]] std::vector<double> source_weights(const wire::ReadPlan& plan) const;
  [[nodiscard]] std::vector<std::int64_t> slots_read(const wire::ReadPlan& plan) const;

  std::size_t shards_;
  memory::MemoryRules rules_;
  std::shared_ptr<const memory::Addresser> addresser_;
  MergedRead merged_;
  std::optional<SlotResult> slots_;  // ReadForm::kSlots
};

/// What a read of such a memory brings back: the form, and rows a query.
void set_form(wire::ReadPlan& plan, const memory::MemoryRules& rules);

}  // namespace larimar::coordinator
