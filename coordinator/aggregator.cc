#include "coordinator/aggregator.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_map>

#include "common/base/error.h"
#include "coordinator/internal/participation.h"

namespace larimar::coordinator {
namespace {

bool comes_before(const Winner& a, const Winner& b) {
  if (a.candidate.score != b.candidate.score || a.candidate.segment != b.candidate.segment) {
    return wire::ranks_before(a.candidate, b.candidate);
  }
  return a.shard < b.shard;
}

void check_reply(const CandidateReply& reply, std::size_t wanted) {
  internal::check_length(reply.shard, "candidates", reply.candidates.size(), wanted);
  for (const wire::Candidate& candidate : reply.candidates) {
    if (wire::is_absent(candidate) || std::isfinite(candidate.score)) continue;
    throw base::CommError("shard " + std::to_string(reply.shard.value) + " proposed segment " +
                          std::to_string(candidate.segment.value) + " with a score that is not a finite number");
  }
}

/// All proposals for one query, best first, each segment once.
std::vector<Winner> ranked_proposals(std::span<const CandidateReply> replies, std::size_t query, std::size_t asked) {
  std::vector<Winner> all;
  for (const CandidateReply& reply : replies) {
    if (reply.status == wire::ReadStatus::kFailed) continue;
    for (const wire::Candidate& candidate : reply.candidates.subspan(query * asked, asked)) {
      if (!wire::is_absent(candidate)) all.push_back({.candidate = candidate, .shard = reply.shard});
    }
  }
  std::ranges::sort(all, comes_before);
  std::vector<Winner> distinct;
  for (const Winner& winner : all) {
    const auto same = [&](const Winner& other) { return other.candidate.segment == winner.candidate.segment; };
    if (std::ranges::none_of(distinct, same)) distinct.push_back(winner);
  }
  return distinct;
}

}  // namespace

namespace {

void check_shape(ReadShape shape, std::size_t asked) {
  if (shape.k > 0 && asked >= shape.k) return;
  throw base::ShapeError("a read for " + std::to_string(shape.k) +
                         " winners needs replies of at least as many candidates and at least one, but they carry " +
                         std::to_string(asked));
}

/// One query more; `ranked` holds all that matter, best first, each segment once, none absent.
void add_query(std::vector<Winner> ranked, MergedRead& merged) {
  merged.margin.push_back(ranked.size() < 2 ? std::nullopt
                                            : std::optional(ranked[0].candidate.score - ranked[1].candidate.score));
  ranked.resize(merged.shape.k, Winner{});
  merged.winners.insert(merged.winners.end(), ranked.begin(), ranked.end());
}

}  // namespace

MergedRead merge_candidates(std::span<const CandidateReply> replies, ReadShape shape, std::size_t asked) {
  check_shape(shape, asked);
  MergedRead merged{.shape = shape, .winners = {}, .margin = {}, .participation = internal::participation_of(replies)};
  for (const CandidateReply& reply : replies) {
    if (reply.status != wire::ReadStatus::kFailed) check_reply(reply, shape.queries * asked);
  }
  for (std::size_t q = 0; q < shape.queries; ++q) add_query(ranked_proposals(replies, q, asked), merged);
  return merged;
}

MergedRead take_merged(const wire::Merged& proposals, ReadShape shape, std::size_t asked) {
  check_shape(shape, asked);
  std::vector<CandidateReply> replies;  // without candidates: who took part
  for (std::size_t i = 0; i < proposals.statuses.size(); ++i)
    replies.push_back({{proposals.first.value + static_cast<std::uint32_t>(i)}, proposals.statuses[i], {}});
  MergedRead merged{.shape = shape,
                    .winners = {},
                    .margin = {},
                    .participation = internal::participation_of(std::span<const CandidateReply>(replies))};
  for (std::size_t q = 0; q < shape.queries; ++q) {
    std::vector<Winner> ranked;
    for (const wire::Proposal& proposal : std::span(proposals.proposals).subspan(q * asked, asked)) {
      if (!wire::is_absent(proposal.candidate)) ranked.push_back({proposal.candidate, proposal.shard});
    }
    add_query(std::move(ranked), merged);
  }
  return merged;
}

std::vector<wire::CodeRequest> code_requests(const MergedRead& merged, base::ShardId shard) {
  std::vector<wire::CodeRequest> requests;
  for (std::size_t i = 0; i < merged.winners.size(); ++i) {
    const Winner& winner = merged.winners[i];
    if (wire::is_absent(winner.candidate) || winner.shard != shard) continue;
    requests.push_back({.query = static_cast<std::uint32_t>(i / merged.shape.k),
                        .rank = static_cast<std::uint32_t>(i % merged.shape.k),
                        .slot = winner.candidate.slot});
  }
  return requests;
}

namespace {

/// Copies one shard's records and codes to its winners' places.
void place_codes(const MergedRead& merged, const CodeReply& reply, ReadResult& result) {
  const std::vector<wire::CodeRequest> requests = code_requests(merged, reply.shard);
  internal::check_length(reply.shard, "code records", reply.records.size(), requests.size());
  internal::check_length(reply.shard, "codes", static_cast<std::size_t>(reply.codes.rows()), requests.size());
  if (!requests.empty()) {
    internal::check_length(reply.shard, "components a code", static_cast<std::size_t>(reply.codes.cols()),
                           static_cast<std::size_t>(result.codes.cols()));
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::size_t place = requests[i].query * merged.shape.k + requests[i].rank;
    const wire::CodeRecord& record = reply.records[i];
    if (record.segment != merged.winners[place].candidate.segment) {
      throw base::CommError("shard " + std::to_string(reply.shard.value) + " was asked for segment " +
                            std::to_string(merged.winners[place].candidate.segment.value) + " and sent segment " +
                            std::to_string(record.segment.value));
    }
    result.records[place] = record;
    if (record.status == wire::ReadStatus::kOk) {
      result.codes.row(static_cast<linalg::Index>(place)) = reply.codes.row(static_cast<linalg::Index>(i));
    }
  }
}

}  // namespace

ReadResult assemble(const MergedRead& merged, std::span<const CodeReply> replies, linalg::Index code_size) {
  ReadResult result{.codes = linalg::Matrix::Zero(static_cast<linalg::Index>(merged.winners.size()), code_size),
                    .records = std::vector<wire::CodeRecord>(merged.winners.size()),
                    .participation = merged.participation};
  // Until its shard has answered, a winner counts as lost.
  for (std::size_t i = 0; i < merged.winners.size(); ++i) {
    const Winner& winner = merged.winners[i];
    result.records[i] = {
        .segment = winner.candidate.segment,
        .shard = winner.shard,
        .slot = winner.candidate.slot,
        .status = wire::is_absent(winner.candidate) ? wire::ReadStatus::kEmpty : wire::ReadStatus::kFailed};
  }
  internal::check_distinct(replies);
  for (const CodeReply& reply : replies) {
    if (reply.status != wire::ReadStatus::kFailed) place_codes(merged, reply, result);
  }
  for (const wire::CodeRecord& record : result.records) {
    if (record.status == wire::ReadStatus::kFailed) internal::mark_failed(result.participation, record.shard);
  }
  return result;
}

}  // namespace larimar::coordinator
