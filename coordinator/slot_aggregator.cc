#include <algorithm>
#include <cmath>
#include <string>

#include "common/base/error.h"
#include "common/linalg/softmax.h"
#include "coordinator/aggregator.h"
#include "coordinator/hierarchical.h"
#include "coordinator/internal/participation.h"

namespace larimar::coordinator {
namespace {

using linalg::Index;
using linalg::Matrix;
using linalg::MatrixF64;

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
  const std::size_t reads = combination.shape.queries * combination.rows;
  internal::check_length(reply.shard, "slot reads", reply.reads.size(), reads);
  internal::check_length(reply.shard, "codes", static_cast<std::size_t>(reply.codes.rows()), reads);
  internal::check_length(reply.shard, "components a code", static_cast<std::size_t>(reply.codes.cols()),
                         static_cast<std::size_t>(combination.code_size));
}

void check_same_row(const SlotReply& reply, const wire::SlotRead& found, const wire::SlotRead& first) {
  if (found.row == first.row) return;
  throw base::CommError("shard " + std::to_string(reply.shard.value) + " read row " + std::to_string(found.row) +
                        " of the codebook where the first shard read row " + std::to_string(first.row) +
                        "; all shards must hold the same codebook");
}

bool is_one_hot(const memory::MemoryRules& rules) {
  return rules.addressing == memory::Addressing::kNearest || rules.addressing == memory::Addressing::kTopK;
}

using Replies = std::vector<const SlotReply*>;

/// The partial reads at one place, added up. `weight` of a reply's read scales its code.
template <class Weight>
MatrixF64 add_up(const Replies& replies, std::size_t place, Index code_size, wire::SlotRead& total,
                 const Weight& weight) {
  MatrixF64 sum = MatrixF64::Zero(1, code_size);
  total = replies.front()->reads[place];
  total.count = 0;
  for (const SlotReply* reply : replies) {
    const wire::SlotRead& read = reply->reads[place];
    check_same_row(*reply, read, total);
    total.count += read.count;
    sum += weight(read) * reply->codes.row(static_cast<Index>(place)).cast<double>();
  }
  return sum;
}

/// One-hot: the global row at one place.
MatrixF64 mean_row(const Replies& replies, std::size_t place, const SlotCombination& combination,
                   wire::SlotRead& total) {
  const MatrixF64 sum = add_up(replies, place, combination.code_size, total,
                               [](const wire::SlotRead& read) { return static_cast<double>(read.count); });
  if (total.count == 0) return sum;
  return sum / (static_cast<double>(total.count) + combination.rules.ridge);
}

void read_sum(const Replies& replies, const SlotCombination& combination, SlotResult& result) {
  for (std::size_t q = 0; q < combination.shape.queries; ++q) {
    const MatrixF64 z = is_one_hot(combination.rules) ? mean_row(replies, q, combination, result.reads[q])
                                                      : add_up(replies, q, combination.code_size, result.reads[q],
                                                               [](const wire::SlotRead&) { return 1.0; });
    result.codes.row(static_cast<Index>(q)) = z.cast<float>();
  }
}

void read_top(const Replies& replies, const SlotCombination& combination, SlotResult& result) {
  for (std::size_t q = 0; q < combination.shape.queries; ++q) {
    linalg::SoftmaxPartial mix(combination.code_size);
    for (std::size_t i = 0; i < combination.rows; ++i) {
      wire::SlotRead& read = result.reads[q * combination.rows + i];
      const linalg::RowVector row = mean_row(replies, q * combination.rows + i, combination, read).cast<float>();
      if (read.count > 0)
        mix.add(static_cast<double>(read.score) / combination.rules.temperature,
                {row.data(), static_cast<std::size_t>(row.size())});
    }
    result.codes.row(static_cast<Index>(q)) = mix.mean();
  }
}

void read_best(const Replies& replies, const SlotCombination& combination, SlotResult& result) {
  for (std::size_t q = 0; q < combination.shape.queries; ++q) {
    const Winner& best = result.members.winners[q * combination.shape.k];
    if (wire::is_absent(best.candidate)) continue;
    const auto winner =
        std::ranges::find_if(replies, [&](const SlotReply* reply) { return reply->shard == best.shard; });
    const wire::SlotRead& read = result.reads[q] = (*winner)->reads[q];
    const double count = static_cast<double>(read.count);
    const double share =
        is_one_hot(combination.rules) && read.count > 0 ? count / (count + combination.rules.ridge) : 1;
    result.codes.row(static_cast<Index>(q)) =
        (share * (*winner)->codes.row(static_cast<Index>(q)).cast<double>()).cast<float>();
  }
}

void read_levels(const Replies& replies, const SlotCombination& combination, SlotResult& result) {
  if (combination.addresser == nullptr || !combination.keys)
    throw base::Error(base::ExitCode::kInternal, "a hierarchical read needs the key memory and the read keys");
  for (std::size_t q = 0; q < combination.shape.queries; ++q) {
    Matrix chunk_reads(0, combination.code_size);
    for (const SlotReply* reply : replies) {
      if (reply->reads[q].count == 0) continue;
      result.reads[q].count += reply->reads[q].count;
      chunk_reads.conservativeResize(chunk_reads.rows() + 1, Eigen::NoChange);
      chunk_reads.bottomRows(1) = reply->codes.row(static_cast<Index>(q));
    }
    result.codes.row(static_cast<Index>(q)) = read_hierarchical(
        chunk_reads, combination.keys->row(static_cast<Index>(q)), *combination.addresser, combination.rules);
  }
}

}  // namespace

SlotResult combine_slots(std::span<const SlotReply> replies, const SlotCombination& combination) {
  if (!(combination.rules.ridge >= 0.0) || !std::isfinite(combination.rules.ridge)) {
    throw base::ConfigError("ridge is " + std::to_string(combination.rules.ridge) +
                            " but must be a finite number >= 0");
  }
  std::vector<CandidateReply> members;
  for (const SlotReply& reply : replies)
    members.push_back({.shard = reply.shard, .status = reply.status, .candidates = reply.members});
  SlotResult result{.codes = Matrix::Zero(static_cast<Index>(combination.shape.queries), combination.code_size),
                    .reads = std::vector<wire::SlotRead>(combination.shape.queries * combination.rows),
                    .members = merge_candidates(members, combination.shape, combination.asked)};
  const Replies usable = usable_in_order(replies);
  for (const SlotReply* reply : usable) check_reply(*reply, combination);
  if (usable.empty()) return result;
  switch (combination.rules.aggregation) {
    case memory::Aggregation::kSum:
      read_sum(usable, combination, result);
      break;
    case memory::Aggregation::kTopK:
      read_top(usable, combination, result);
      break;
    case memory::Aggregation::kBest:
      read_best(usable, combination, result);
      break;
    case memory::Aggregation::kHierarchical:
      read_levels(usable, combination, result);
      break;
  }
  return result;
}

}  // namespace larimar::coordinator
