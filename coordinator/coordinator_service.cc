#include "coordinator/coordinator_service.h"

#include <algorithm>
#include <utility>

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
  if (plan.codebook) {
    const std::size_t floats = plan.queries * plan.code_size;
    const std::size_t size = wire::message_bytes<wire::SlotRead>(plan.queries, floats);
    proposal.slots = wire::unpack<wire::SlotRead>(
        bytes.first(size), expected_header(plan, wire::ReadKind::kSlotReads, plan.queries, plan.code_size),
        plan.queries, floats);
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

std::vector<wire::ChosenSegment> CoordinatorService::choose(const wire::ReadPlan& plan,
                                                            std::span<const std::byte> proposals) {
  const std::size_t size = wire::proposal_bytes(plan);
  if (proposals.size() != size * shards_)
    throw base::CommError("the proposals of a read do not have the expected length");
  std::vector<Proposal> messages;
  for (std::size_t i = 0; i < shards_; ++i) messages.push_back(read_proposal(plan, proposals.subspan(i * size, size)));

  const ReadShape shape{plan.queries, plan.k};
  slots_.reset();
  if (plan.codebook) {
    std::vector<SlotReply> replies;
    for (const Proposal& message : messages) {
      replies.push_back({message.slots.header.shard, message.slots.header.status, message.slots.records,
                         as_matrix(message.slots.floats, plan.queries, plan.code_size), message.candidates.records});
    }
    slots_ = combine_slots(replies, {shape, plan.asked, static_cast<linalg::Index>(plan.code_size), ridge_});
    merged_ = slots_->members;
  } else {
    std::vector<CandidateReply> replies;
    for (const Proposal& message : messages) {
      replies.push_back(
          {message.candidates.header.shard, message.candidates.header.status, message.candidates.records});
    }
    merged_ = merge_candidates(replies, shape, plan.asked);
  }
  std::vector<wire::ChosenSegment> chosen(merged_.winners.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Winner& winner = merged_.winners[i];
    if (!wire::is_absent(winner.candidate)) chosen[i] = {winner.shard, winner.candidate.slot};
  }
  return chosen;
}

BatchRead CoordinatorService::assemble(const wire::ReadPlan& plan, std::span<const std::byte> codes) {
  std::vector<wire::Message<wire::CodeRecord>> messages;
  const std::size_t width = plan.codebook ? 0 : plan.code_size;
  for (std::size_t i = 0; i < shards_; ++i) {
    const std::size_t count = code_requests(merged_, base::ShardId{static_cast<std::uint32_t>(i)}).size();
    const std::size_t size = wire::codes_bytes(plan, count);
    if (codes.size() < size) throw base::CommError("the codes of a read are cut short");
    messages.push_back(wire::unpack<wire::CodeRecord>(
        codes.first(size), expected_header(plan, wire::ReadKind::kCodes, count, width), count, count * width));
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
  batch.reads = plan.codebook ? 1 : plan.k;
  batch.z_read = plan.codebook ? std::move(slots_->codes) : std::move(read.codes);
  batch.averaged.assign(plan.queries, 1);
  for (std::size_t i = 0; plan.codebook && i < plan.queries; ++i) batch.averaged[i] = slots_->reads[i].count;
  return batch;
}

}  // namespace larimar::coordinator
