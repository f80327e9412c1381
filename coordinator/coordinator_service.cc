#include "coordinator/coordinator_service.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "common/base/failpoint.h"
#include "common/linalg/softmax.h"
#include "common/wire/merged.h"
#include "common/wire/message.h"

namespace larimar::coordinator {
namespace {

wire::ReadHeader expected_header(const wire::ReadPlan& plan, wire::ReadKind kind, std::size_t rows,
                                 std::size_t columns) {
  wire::ReadHeader header;
  header.kind = kind;
  header.rows = static_cast<std::uint32_t>(rows);
  header.columns = static_cast<std::uint32_t>(columns);
  header.step = plan.step;
  return header;
}

struct Proposal {
  wire::Message<wire::SlotRead> slots{};
  wire::Message<wire::Candidate> candidates{};
};

Proposal read_proposal(const wire::ReadPlan& plan, std::span<const std::byte> bytes) {
  Proposal proposal;
  if (plan.form == wire::ReadForm::kSlots) {
    const std::size_t rows = plan.queries * plan.slot_rows, floats = rows * plan.code_size;
    const std::size_t size = wire::message_bytes<wire::SlotRead>(rows, floats);
    proposal.slots = wire::unpack<wire::SlotRead>(
        bytes.first(size), expected_header(plan, wire::ReadKind::kSlotReads, rows, plan.code_size), rows, floats);
    bytes = bytes.subspan(size);
  }
  proposal.candidates =
      wire::unpack<wire::Candidate>(bytes, expected_header(plan, wire::ReadKind::kCandidates, plan.queries, plan.asked),
                                    plan.queries * plan.asked, 0);
  return proposal;
}

linalg::ConstMatrixRef as_matrix(const std::vector<float>& floats, std::size_t rows, std::size_t columns) {
  return Eigen::Map<const linalg::Matrix>(floats.data(), static_cast<linalg::Index>(rows),
                                          static_cast<linalg::Index>(columns));
}

}  // namespace

std::vector<std::size_t> CoordinatorService::chosen_per_shard(std::span<const wire::ChosenSegment> chosen,
                                                              std::size_t shards) {
  std::vector<std::size_t> counts(shards);
  for (const wire::ChosenSegment& choice : chosen) {
    if (choice.shard.value < shards) ++counts[choice.shard.value];
  }
  return counts;
}

std::vector<wire::ChosenSegment> CoordinatorService::choose(const wire::ReadPlan& plan, linalg::ConstMatrixRef keys,
                                                            std::span<const std::byte> proposals) {
  LARIMAR_FAILPOINT("coordinator.read.choose");
  const bool merged = wire::is_merged(plan, shards_);
  const std::size_t size = merged ? wire::merged_bytes(plan, shards_) : wire::proposal_bytes(plan) * shards_;
  if (proposals.size() != size) throw base::CommError("the proposals of a read do not have the expected length");
  slots_.reset();
  if (merged)
    merged_ = take_merged(wire::unpack_merged(plan, proposals), {plan.queries, plan.k}, plan.asked);
  else
    merge_gathered(plan, keys, proposals);
  std::vector<wire::ChosenSegment> chosen(merged_.winners.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Winner& winner = merged_.winners[i];
    if (!wire::is_absent(winner.candidate)) chosen[i] = {winner.shard, winner.candidate.slot, winner.candidate.score};
  }
  return chosen;
}

void CoordinatorService::merge_gathered(const wire::ReadPlan& plan, linalg::ConstMatrixRef keys,
                                        std::span<const std::byte> proposals) {
  const std::size_t size = wire::proposal_bytes(plan);
  std::vector<Proposal> messages;
  for (std::size_t i = 0; i < shards_; ++i) messages.push_back(read_proposal(plan, proposals.subspan(i * size, size)));
  const ReadShape shape{plan.queries, plan.k};
  if (plan.form == wire::ReadForm::kSlots) {
    std::vector<SlotReply> replies;
    for (const Proposal& message : messages) {
      replies.push_back({message.slots.header.shard, message.slots.header.status, message.slots.records,
                         as_matrix(message.slots.floats, plan.queries * plan.slot_rows, plan.code_size),
                         message.candidates.records});
    }
    slots_ = combine_slots(replies, {.shape = shape,
                                     .asked = plan.asked,
                                     .rows = plan.slot_rows,
                                     .code_size = static_cast<linalg::Index>(plan.code_size),
                                     .rules = rules_,
                                     .addresser = addresser_.get(),
                                     .keys = keys});
    merged_ = slots_->members;
  } else {
    std::vector<CandidateReply> replies;
    for (const Proposal& message : messages) {
      replies.push_back(
          {message.candidates.header.shard, message.candidates.header.status, message.candidates.records});
    }
    merged_ = merge_candidates(replies, shape, plan.asked);
  }
}

namespace {

/// z_read of a blend, [queries, C]: the parts of all shards that answered, in ShardId order.
linalg::Matrix merge_blends(const wire::ReadPlan& plan, std::span<const wire::Message<wire::CodeRecord>> messages) {
  linalg::Matrix z(static_cast<linalg::Index>(plan.queries), static_cast<linalg::Index>(plan.code_size));
  const std::size_t width = 2 + plan.code_size;
  for (std::size_t q = 0; q < plan.queries; ++q) {
    linalg::SoftmaxPartial all(static_cast<linalg::Index>(plan.code_size));
    for (const auto& message : messages) {
      if (message.header.status == wire::ReadStatus::kFailed) continue;
      const std::span<const float> part = std::span(message.floats).subspan(q * width, width);
      all.merge(linalg::SoftmaxPartial(static_cast<double>(part[0]) / plan.temperature, part[1], part.subspan(2)));
    }
    z.row(static_cast<linalg::Index>(q)) = all.mean();
  }
  return z;
}

}  // namespace

BatchRead CoordinatorService::assemble(const wire::ReadPlan& plan, std::span<const std::byte> codes) {
  LARIMAR_FAILPOINT("coordinator.read.assemble");
  std::vector<wire::Message<wire::CodeRecord>> messages;
  const std::size_t width = plan.form == wire::ReadForm::kCodes ? plan.code_size : 0;
  const wire::ReadKind kind = plan.form == wire::ReadForm::kBlend ? wire::ReadKind::kBlend : wire::ReadKind::kCodes;
  const std::size_t columns = plan.form == wire::ReadForm::kSlots ? 0 : plan.code_size;
  for (std::size_t i = 0; i < shards_; ++i) {
    const std::size_t count = code_requests(merged_, base::ShardId{static_cast<std::uint32_t>(i)}).size();
    if (count == 0) continue;  // it says nothing
    const std::size_t size = wire::codes_bytes(plan, count);
    if (codes.size() < size) throw base::CommError("the codes of a read are cut short");
    messages.push_back(wire::unpack<wire::CodeRecord>(codes.first(size), expected_header(plan, kind, count, columns),
                                                      count, wire::code_floats(plan, count)));
    codes = codes.subspan(size);
  }
  std::vector<CodeReply> replies;
  for (const auto& message : messages) {
    replies.push_back({message.header.shard, message.header.status, message.records,
                       as_matrix(message.floats, message.records.size(), width)});
  }
  ReadResult read = coordinator::assemble(merged_, replies, static_cast<linalg::Index>(width));

  BatchRead batch;
  batch.records = std::move(read.records);
  batch.participation = std::move(read.participation);
  batch.margin = merged_.margin;
  for (const Winner& winner : merged_.winners) batch.scores.push_back(winner.candidate.score);
  batch.weights = source_weights(plan);
  batch.slots = slots_read(plan);
  switch (plan.form) {
    case wire::ReadForm::kCodes:
      batch.reads = plan.k;
      batch.z_read = std::move(read.codes);
      break;
    case wire::ReadForm::kBlend:
      batch.z_read = merge_blends(plan, messages);
      break;
    case wire::ReadForm::kSlots:
      batch.z_read = std::move(slots_->codes);
      break;
  }
  return batch;
}

std::vector<double> CoordinatorService::source_weights(const wire::ReadPlan& plan) const {
  std::vector<double> weights(merged_.winners.size(), std::numeric_limits<double>::quiet_NaN());
  const auto score = [&](std::size_t i) { return static_cast<double>(merged_.winners[i].candidate.score); };
  for (std::size_t q = 0; q < plan.queries; ++q) {
    double sum = 0;
    for (std::size_t i = q * plan.k; i < (q + 1) * plan.k; ++i) {
      if (plan.form == wire::ReadForm::kCodes) weights[i] = i == q * plan.k ? 1.0 : 0.0;
      if (plan.form == wire::ReadForm::kSlots && rules_.addressing == memory::Addressing::kNearest)
        weights[i] = 1.0 / static_cast<double>(std::max<std::uint64_t>(1, slots_->reads[q].count));
      if (plan.form == wire::ReadForm::kBlend && !wire::is_absent(merged_.winners[i].candidate))
        sum += weights[i] = std::exp((score(i) - score(q * plan.k)) / plan.temperature);
    }
    for (std::size_t i = q * plan.k; plan.form == wire::ReadForm::kBlend && i < (q + 1) * plan.k; ++i)
      weights[i] /= sum;
  }
  return weights;
}

std::vector<std::int64_t> CoordinatorService::slots_read(const wire::ReadPlan& plan) const {
  std::vector<std::int64_t> slots(plan.queries, -1);
  const bool one_hot =
      rules_.addressing == memory::Addressing::kNearest || rules_.addressing == memory::Addressing::kTopK;
  for (std::size_t q = 0; q < plan.queries; ++q) {
    const wire::Candidate& best = merged_.winners[q * plan.k].candidate;
    if (plan.form != wire::ReadForm::kSlots && !wire::is_absent(best)) slots[q] = best.slot.value;
    if (plan.form != wire::ReadForm::kSlots || !one_hot) continue;
    // The best row that somebody wrote.
    const auto first = slots_->reads.begin() + static_cast<std::ptrdiff_t>(q * plan.slot_rows);
    const auto last = first + static_cast<std::ptrdiff_t>(plan.slot_rows);
    const auto written = std::find_if(first, last, [](const wire::SlotRead& read) { return read.count > 0; });
    if (written != last) slots[q] = written->row;
  }
  return slots;
}

void set_form(wire::ReadPlan& plan, const memory::MemoryRules& rules) {
  const bool top = rules.addressing == memory::Addressing::kTopK;
  plan.temperature = rules.temperature;
  if (rules.key_memory == memory::KeyMemory::kCodebook) {
    plan.form = wire::ReadForm::kSlots;
    plan.slot_rows = top ? rules.top : 1;
  } else if (top) {
    plan.form = wire::ReadForm::kBlend;
    plan.k = rules.top;
    plan.asked = std::max(plan.asked, plan.k);
  }
}

}  // namespace larimar::coordinator
