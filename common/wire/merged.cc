#include "common/wire/merged.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "common/base/error.h"
#include "common/wire/message.h"

namespace larimar::wire {
namespace {

ReadHeader header_of(const ReadPlan& plan, ReadKind kind, base::ShardId shard) {
  ReadHeader header;
  header.kind = kind;
  header.shard = shard;
  header.rows = static_cast<std::uint32_t>(plan.queries);
  header.columns = static_cast<std::uint32_t>(plan.asked);
  header.step = plan.step;
  return header;
}

std::vector<std::byte> pack_merged(const ReadPlan& plan, const Merged& merged) {
  std::vector<std::byte> bytes = pack<Proposal>(header_of(plan, ReadKind::kMerged, merged.first), merged.proposals, {});
  const auto statuses = std::as_bytes(std::span(merged.statuses));
  bytes.insert(bytes.end(), statuses.begin(), statuses.end());
  return bytes;
}

void check_status(ReadStatus status, std::size_t shard) {
  if (status > ReadStatus::kFailed)
    throw base::CommError("the proposals of a read give shard " + std::to_string(shard) + " the unknown status " +
                          std::to_string(static_cast<std::uint32_t>(status)));
}

void check_scores(std::span<const Proposal> proposals) {
  for (const Proposal& proposal : proposals) {
    if (is_absent(proposal.candidate) || std::isfinite(proposal.candidate.score)) continue;
    throw base::CommError("shard " + std::to_string(proposal.shard.value) + " proposed segment " +
                          std::to_string(proposal.candidate.segment.value) +
                          " with a score that is not a finite number");
  }
}

// The best of two rows of one length, each segment once.
void merge_row(std::span<const Proposal> low, std::span<const Proposal> high, std::span<Proposal> best) {
  std::size_t l = 0, h = 0, n = 0;
  while (n < best.size() && (l < low.size() || h < high.size())) {
    const bool from_low = h == high.size() || (l < low.size() && !proposal_before(high[h], low[l]));
    const Proposal& next = from_low ? low[l++] : high[h++];
    if (is_absent(next.candidate)) continue;
    const auto same = [&](const Proposal& other) { return other.candidate.segment == next.candidate.segment; };
    if (std::none_of(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(n), same)) best[n++] = next;
  }
}

}  // namespace

std::size_t merged_bytes(const ReadPlan& plan, std::size_t shards) {
  if (shards == 0) return 0;
  return message_bytes<Proposal>(plan.queries * plan.asked, 0) + shards * sizeof(ReadStatus);
}

Merged unpack_merged(const ReadPlan& plan, std::span<const std::byte> message) {
  const std::size_t fixed = message_bytes<Proposal>(plan.queries * plan.asked, 0);
  if (message.size() <= fixed || (message.size() - fixed) % sizeof(ReadStatus) != 0)
    throw base::CommError("the merged proposals of a read have " + std::to_string(message.size()) +
                          " bytes, which fits no number of shards");
  ReadHeader received;
  std::memcpy(&received, message.data(), sizeof received);
  const auto expected = header_of(plan, ReadKind::kMerged, received.shard);
  auto body = unpack<Proposal>(message.first(fixed), expected, plan.queries * plan.asked, 0);
  Merged merged{received.shard, std::move(body.records), {}};
  merged.statuses.resize((message.size() - fixed) / sizeof(ReadStatus));
  std::memcpy(merged.statuses.data(), message.data() + fixed, message.size() - fixed);
  for (std::size_t i = 0; i < merged.statuses.size(); ++i) check_status(merged.statuses[i], merged.first.value + i);
  check_scores(merged.proposals);
  return merged;
}

std::vector<std::byte> merged_of_one(const ReadPlan& plan, std::span<const std::byte> proposal) {
  const auto message =
      unpack<Candidate>(proposal, header_of(plan, ReadKind::kCandidates, {}), plan.queries * plan.asked, 0);
  Merged merged{message.header.shard, std::vector<Proposal>(message.records.size()), {message.header.status}};
  if (message.header.status != ReadStatus::kFailed) {
    for (std::size_t i = 0; i < message.records.size(); ++i)
      if (!is_absent(message.records[i])) merged.proposals[i] = {message.records[i], message.header.shard};
  }
  check_scores(merged.proposals);
  return pack_merged(plan, merged);
}

std::vector<std::byte> merge(const ReadPlan& plan, std::span<const std::byte> low, std::span<const std::byte> high) {
  Merged a = unpack_merged(plan, low);
  const Merged b = unpack_merged(plan, high);
  if (a.first.value + a.statuses.size() != b.first.value)
    throw base::CommError("the proposals of shards " + std::to_string(b.first.value) +
                          " and on came where those of shard " + std::to_string(a.first.value + a.statuses.size()) +
                          " were expected");
  std::vector<Proposal> best(a.proposals.size());
  for (std::size_t q = 0; q < plan.queries; ++q) {
    const auto row = [&](auto& all) { return std::span(all).subspan(q * plan.asked, plan.asked); };
    merge_row(row(a.proposals), row(b.proposals), row(best));
  }
  a.proposals = std::move(best);
  a.statuses.insert(a.statuses.end(), b.statuses.begin(), b.statuses.end());
  return pack_merged(plan, a);
}

}  // namespace larimar::wire
