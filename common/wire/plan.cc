#include "common/wire/plan.h"

#include <algorithm>
#include <utility>

#include "common/base/contracts.h"
#include "common/wire/message.h"

namespace larimar::wire {
namespace {

int position_of(const std::vector<int>& ranks, int rank) {
  const auto found = std::ranges::find(ranks, rank);
  return found == ranks.end() ? -1 : static_cast<int>(found - ranks.begin());
}

}  // namespace

std::vector<std::uint32_t> ShardMap::missing() const {
  std::vector<std::uint32_t> lost;
  for (std::uint32_t v = 0; v < kVirtualShards; ++v) {
    if (owner(v) == kNobody) lost.push_back(v);
  }
  return lost;
}

int RolePlan::shard_of(int rank) const { return position_of(shard_ranks, rank); }
int RolePlan::decoder_of(int rank) const { return position_of(decoder_ranks, rank); }

std::size_t RolePlan::shards_within(int first, int last) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(shard_ranks, [&](int rank) { return rank >= first && rank < last; }));
}

std::vector<std::string> RolePlan::roles_of(int rank) const {
  std::vector<std::string> roles;
  if (rank == 0) roles.emplace_back("coordinator");
  if (shard_of(rank) >= 0) roles.emplace_back("shard");
  if (decoder_of(rank) >= 0) roles.emplace_back("decoder");
  return roles;
}

RolePlan plan_roles(int ranks, int decoders) {
  LARIMAR_EXPECT(ranks >= 1 && decoders >= 1);
  if (ranks == 1) return {1, {0}, {0}};
  RolePlan plan{ranks, {}, {}};
  const bool separate = ranks - 1 - decoders >= 2;
  const int first_decoder = separate ? ranks - decoders : ranks;
  for (int rank = 1; rank < first_decoder; ++rank) plan.shard_ranks.push_back(rank);
  for (int rank = first_decoder; rank < ranks; ++rank) plan.decoder_ranks.push_back(rank);
  if (!separate) plan.decoder_ranks.push_back(0);
  return plan;
}

namespace {

/// Shards of `first` by their new number; kNobody for the dead ones.
std::vector<std::uint32_t> renumber_shards(const RolePlan& first, std::span<const int> survivors, RolePlan& plan) {
  std::vector<std::uint32_t> renumbered(first.shards(), ShardMap::kNobody);
  for (std::size_t rank = 0; rank < survivors.size(); ++rank) {
    if (first.decoder_of(survivors[rank]) >= 0) plan.decoder_ranks.push_back(static_cast<int>(rank));
    const int shard = first.shard_of(survivors[rank]);
    if (shard < 0) continue;
    renumbered[static_cast<std::size_t>(shard)] = static_cast<std::uint32_t>(plan.shards());
    plan.shard_ranks.push_back(static_cast<int>(rank));
  }
  if (plan.decoder_ranks.empty()) plan.decoder_ranks.push_back(0);
  return renumbered;
}

}  // namespace

RolePlan plan_of_survivors(const RolePlan& first, std::span<const int> survivors, Orphans orphans) {
  LARIMAR_EXPECT(!survivors.empty() && !first.survivors_map);
  RolePlan plan{static_cast<int>(survivors.size()), {}, {}};
  const std::vector<std::uint32_t> renumbered = renumber_shards(first, survivors, plan);
  const bool any = plan.shards() > 0;
  for (int rank = plan.ranks == 1 ? 0 : 1; !any && rank < plan.ranks; ++rank) plan.shard_ranks.push_back(rank);
  std::vector<std::uint32_t> owners(kVirtualShards, ShardMap::kNobody);
  for (std::uint32_t v = 0; v < kVirtualShards; ++v) {
    const std::size_t before = shard_of_block(v, first.shards());
    owners[v] = renumbered[before];
    if (owners[v] != ShardMap::kNobody || orphans == Orphans::kMissing) continue;
    // From a start of its own each orphan goes to the next shard that lives: those of one shard are spread over all, and a
    // later death moves only what the dead one had.
    std::size_t next = v / first.shards() % first.shards();
    while (any && renumbered[next] == ShardMap::kNobody) next = (next + 1) % first.shards();
    owners[v] = any ? renumbered[next] : static_cast<std::uint32_t>(shard_of_block(v, plan.shards()));
  }
  plan.survivors_map.emplace(plan.shards(), std::move(owners));
  return plan;
}

std::size_t code_floats(const ReadPlan& plan, std::size_t chosen) {
  switch (plan.form) {
    case ReadForm::kCodes:
      return chosen * plan.code_size;
    case ReadForm::kBlend:
      return plan.queries * (2 + plan.code_size);
    case ReadForm::kSlots:
      break;
  }
  return 0;  // the partial reads came with the proposals
}

std::size_t proposal_bytes(const ReadPlan& plan) {
  const std::size_t candidates = message_bytes<Candidate>(plan.queries * plan.asked, 0);
  if (plan.form != ReadForm::kSlots) return candidates;
  const std::size_t rows = plan.queries * plan.slot_rows;
  return candidates + message_bytes<SlotRead>(rows, rows * plan.code_size);
}

std::size_t codes_bytes(const ReadPlan& plan, std::size_t chosen) {
  return chosen == 0 ? 0 : message_bytes<CodeRecord>(chosen, code_floats(plan, chosen));
}

}  // namespace larimar::wire
