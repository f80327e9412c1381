#pragma once
// Partial reads of the shards become z_read. Nothing here talks to a network: the coordinator's service hands in what came.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "common/linalg/matrix.h"
#include "common/memory/addresser.h"
#include "common/memory/rules.h"
#include "common/wire/merged.h"
#include "common/wire/read.h"

namespace larimar::coordinator {

/// Who answered. Ordered by ShardId.
struct Participation {
  std::vector<base::ShardId> contributing{};  // status ok, empty or degraded
  std::vector<base::ShardId> degraded{};      // contributed a part of their share
  std::vector<base::ShardId> failed{};        // contributed nothing
  /// failed if all failed; degraded if any failed or was degraded; empty if all were empty; otherwise ok.
  wire::ReadStatus status = wire::ReadStatus::kEmpty;
};

struct ReadShape {
  std::size_t queries = 0;
  std::size_t k = 0;  // >= 1
};

/// One shard's proposals. Those of a failed shard are not looked at.
struct CandidateReply {
  base::ShardId shard{};
  wire::ReadStatus status = wire::ReadStatus::kOk;
  std::span<const wire::Candidate> candidates{};  // [queries, k of the reply]; empty allowed if failed
};

struct Winner {
  wire::Candidate candidate{};  // kAbsent where all shards together have fewer segments
  base::ShardId shard{};
};

struct MergedRead {
  ReadShape shape{};
  std::vector<Winner> winners{};  // [queries, k], best first
  std::vector<std::optional<float>>
      margin{};  // [queries] best score - second best, of another segment; none without a second
  Participation participation{};
};

/// The k best over all shards: highest score first, equal scores by the lowest segment, whatever the order of the
/// replies. Replies carry `asked` candidates a query; asked >= 2 makes the margin exact, and asked >= k is needed.
/// Calls   local.
/// Throws  ShapeError for k = 0 or asked < k; CommError for a shard that replies twice, or a reply of the wrong length or
///         with a score that is not a number.
[[nodiscard]] MergedRead merge_candidates(std::span<const CandidateReply> replies, ReadShape shape, std::size_t asked);

/// The same of proposals that were merged on their way (common/wire/merged.h). Shapes: merged.proposals [queries, asked].
/// Throws  ShapeError as merge_candidates.
[[nodiscard]] MergedRead take_merged(const wire::Merged& merged, ReadShape shape, std::size_t asked);

/// What to ask of one shard: the codes of the winners it holds, by query, then rank. Empty if it holds none.
[[nodiscard]] std::vector<wire::CodeRequest> code_requests(const MergedRead& merged, base::ShardId shard);

/// One shard's answer to its code_requests, record i to request i.
struct CodeReply {
  base::ShardId shard{};
  wire::ReadStatus status = wire::ReadStatus::kOk;
  std::span<const wire::CodeRecord> records{};  // [requests]; empty allowed if failed
  linalg::ConstMatrixRef codes;                 // [requests, C]
};

/// z_read with its sources.
struct ReadResult {
  linalg::Matrix codes{};                   // z_read [queries * k, C]; zero where the record's status is not ok
  std::vector<wire::CodeRecord> records{};  // [queries, k]; kEmpty: no such winner; kFailed: its shard failed since
  Participation participation{};            // of both steps of the read
};

/// Puts codes and records at the winners' places. Shards that hold no winner may be left out of `replies`; one that holds
/// a winner and is missing counts as failed.
/// Throws  CommError if a reply's length, its width, or a record's segment is not the one requested.
[[nodiscard]] ReadResult assemble(const MergedRead& merged, std::span<const CodeReply> replies,
                                  linalg::Index code_size);

/// One shard's share of a read of shared slots.
struct SlotReply {
  base::ShardId shard{};
  wire::ReadStatus status = wire::ReadStatus::kOk;
  std::span<const wire::SlotRead> reads{};     // [queries * rows]; empty allowed if failed
  linalg::ConstMatrixRef codes;                // [queries * rows, C]
  std::span<const wire::Candidate> members{};  // [queries, asked]
};

struct SlotResult {
  linalg::Matrix codes{};               // z_read [queries, C]; zero where nothing was written
  std::vector<wire::SlotRead> reads{};  // [queries * rows] row, score, and the count over all shards that took part
  MergedRead members{};                 // best members for citations; its margin is between members
};

struct SlotCombination {
  ReadShape shape{};            // k members a query
  std::size_t asked = 0;        // members a query in each reply, >= k
  std::size_t rows = 1;         // partial reads a query in each reply
  linalg::Index code_size = 0;  // C
  memory::MemoryRules rules{};
  const memory::Addresser* addresser = nullptr;  // hierarchical only; borrowed
  std::optional<linalg::ConstMatrixRef> keys{};  // [queries, D] read keys; hierarchical only
};

/// Partial reads of shared slots become z_read, by the aggregation that the rules name:
///   sum           one-hot: the row of the whole problem from local ones, z = sum_s n_s mean_s / (sum_s n_s + ridge);
///                 dense, Gaussian: z = sum_s z_s
///   topk          rows as for sum, then softmax over their scores; rows that nobody wrote have no part
///   best          the shard whose segment has the best key answers alone (ridge applied to its mean where one-hot)
///   hierarchical  the shards' reads are written to a memory and read again (coordinator/hierarchical.h)
/// All in double, shards in ShardId order whatever the order of the replies. Bounds in docs/numerics.md.
/// Throws  as merge_candidates; also CommError if shards name different rows (they hold different codebooks) or a width
///         differs; ConfigError for ridge < 0.
[[nodiscard]] SlotResult combine_slots(std::span<const SlotReply> replies, const SlotCombination& combination);

}  // namespace larimar::coordinator
