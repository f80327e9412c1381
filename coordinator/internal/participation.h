#pragma once
// Checks and bookkeeping that all kinds of replies share. A reply has `shard` and `status`.
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "coordinator/aggregator.h"

namespace larimar::coordinator::internal {

inline void check_length(base::ShardId shard, const char* what, std::size_t found, std::size_t wanted) {
  if (found == wanted) return;
  throw base::CommError("shard " + std::to_string(shard.value) + " replied with " + std::to_string(found) + " " + what +
                        " where " + std::to_string(wanted) + " were asked for");
}

/// Throws CommError if a shard replies twice.
template <class Reply>
void check_distinct(std::span<const Reply> replies) {
  std::vector<base::ShardId> shards;
  for (const Reply& reply : replies) shards.push_back(reply.shard);
  std::ranges::sort(shards);
  const auto twice = std::ranges::adjacent_find(shards);
  if (twice != shards.end())
    throw base::CommError("shard " + std::to_string(twice->value) + " replied twice to one read");
}

inline void insert_sorted(std::vector<base::ShardId>& shards, base::ShardId shard) {
  const auto place = std::ranges::lower_bound(shards, shard);
  if (place == shards.end() || *place != shard) shards.insert(place, shard);
}

/// A shard that answered the first step of a read and was lost in the second.
inline void mark_failed(Participation& participation, base::ShardId shard) {
  std::erase(participation.contributing, shard);
  std::erase(participation.degraded, shard);
  insert_sorted(participation.failed, shard);
  participation.status = participation.contributing.empty() ? wire::ReadStatus::kFailed : wire::ReadStatus::kDegraded;
}

template <class Reply>
Participation participation_of(std::span<const Reply> replies) {
  check_distinct(replies);
  Participation result;
  bool any_stored = false;
  for (const Reply& reply : replies) {
    if (reply.status == wire::ReadStatus::kFailed) {
      insert_sorted(result.failed, reply.shard);
      continue;
    }
    insert_sorted(result.contributing, reply.shard);
    if (reply.status == wire::ReadStatus::kDegraded) insert_sorted(result.degraded, reply.shard);
    if (reply.status != wire::ReadStatus::kEmpty) any_stored = true;
  }
  if (any_stored) result.status = wire::ReadStatus::kOk;
  if (!result.failed.empty() || !result.degraded.empty()) result.status = wire::ReadStatus::kDegraded;
  if (result.contributing.empty() && !result.failed.empty()) result.status = wire::ReadStatus::kFailed;
  return result;
}

}  // namespace larimar::coordinator::internal
