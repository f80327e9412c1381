#include <algorithm>
#include <cmath>
#include <string>

#include "common/base/error.h"
#include "coordinator/aggregator.h"
#include "coordinator/internal/participation.h"

namespace larimar::coordinator {
namespace {

/// Replies that may be used, in ShardId order: the order of the sum is then the same whoever answered first.
std::vector<const SlotReply*> usable_in_order(std::span<const SlotReply> replies) {
  std::vector<const SlotReply*> usable;
  for (const SlotReply& reply : replies) {
    if (reply.status != wire::ReadStatus::kFailed) usable.push_back(&reply);
  }
  std::ranges::sort(usable, {}, &SlotReply::shard);
  return usable;
}

void check_reply(const SlotReply& reply, const SlotCombination& combination) {
  const std::size_t queries = combination.shape.queries;
  internal::check_length(reply.shard, "slot reads", reply.reads.size(), queries);
  internal::check_length(reply.shard, "codes", static_cast<std::size_t>(reply.codes.rows()), queries);
  internal::check_length(reply.shard, "components a code", static_cast<std::size_t>(reply.codes.cols()),
                         static_cast<std::size_t>(combination.code_size));
}

void check_same_row(const SlotReply& reply, const wire::SlotRead& found, const wire::SlotRead& first) {
  if (found.row == first.row) return;
  throw base::CommError("shard " + std::to_string(reply.shard.value) + " read row " + std::to_string(found.row) +
                        " of the codebook where the first shard read row " + std::to_string(first.row) +
                        "; all shards must hold the same codebook");
}

}  // namespace

SlotResult combine_slots(std::span<const SlotReply> replies, const SlotCombination& combination) {
  if (!(combination.ridge >= 0.0) || !std::isfinite(combination.ridge)) {
    throw base::ConfigError("ridge is " + std::to_string(combination.ridge) + " but must be a finite number >= 0");
  }
  std::vector<CandidateReply> members;
  for (const SlotReply& reply : replies)
    members.push_back({.shard = reply.shard, .status = reply.status, .candidates = reply.members});
  SlotResult result{
      .codes = linalg::Matrix::Zero(static_cast<linalg::Index>(combination.shape.queries), combination.code_size),
      .reads = std::vector<wire::SlotRead>(combination.shape.queries),
      .members = merge_candidates(members, combination.shape, combination.asked)};
  const std::vector<const SlotReply*> usable = usable_in_order(replies);
  for (const SlotReply* reply : usable) check_reply(*reply, combination);

  for (std::size_t q = 0; q < combination.shape.queries && !usable.empty(); ++q) {
    wire::SlotRead& total = result.reads[q];
    total = usable.front()->reads[q];
    total.count = 0;
    linalg::MatrixF64 sum = linalg::MatrixF64::Zero(1, combination.code_size);
    for (const SlotReply* reply : usable) {
      check_same_row(*reply, reply->reads[q], total);
      total.count += reply->reads[q].count;
      sum +=
          static_cast<double>(reply->reads[q].count) * reply->codes.row(static_cast<linalg::Index>(q)).cast<double>();
    }
    if (total.count == 0) continue;
    result.codes.row(static_cast<linalg::Index>(q)) =
        (sum / (static_cast<double>(total.count) + combination.ridge)).cast<float>();
  }
  return result;
}

}  // namespace larimar::coordinator
