#include "launch/exchange.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "common/wire/merged.h"

namespace larimar::launch {
namespace {

constexpr comm::Tag kChosenCodes{24};

std::vector<std::size_t> counts_on_ranks(const wire::RolePlan& plan, std::span<const std::size_t> per_shard) {
  std::vector<std::size_t> counts(static_cast<std::size_t>(plan.ranks));
  for (std::size_t i = 0; i < per_shard.size(); ++i)
    counts[static_cast<std::size_t>(plan.shard_ranks[i])] = per_shard[i];
  return counts;
}

/// The proposals of all shards on rank 0.
std::vector<std::byte> collect(comm::Transport& transport, const wire::RolePlan& roles, const wire::ReadPlan& plan,
                               std::vector<std::byte> mine) {
  if (!wire::is_merged(plan, roles.shards())) {
    const auto counts = counts_on_ranks(roles, std::vector(roles.shards(), wire::proposal_bytes(plan)));
    return transport.gather_varying(std::span<const std::byte>(mine), counts, 0);
  }
  if (!mine.empty()) mine = wire::merged_of_one(plan, mine);
  return transport.merge_up(
      std::move(mine),
      {[&](int first, int last) { return wire::merged_bytes(plan, roles.shards_within(first, last)); },
       [&](std::span<const std::byte> low, std::span<const std::byte> high) { return wire::merge(plan, low, high); }});
}

/// What the shards hand over, in the order of the shards, on rank 0: a message of each that has anything. Not a collective, since
/// every rank knows from the choice who sends how much.
/// Shapes  bytes [shards]; mine [bytes of this rank's shard]. Calls p2p.
std::vector<std::byte> collect_chosen(comm::Transport& transport, const wire::RolePlan& roles,
                                      std::span<const std::size_t> bytes, std::vector<std::byte> mine) {
  if (transport.rank() != 0) {
    if (!mine.empty()) transport.send(std::span<const std::byte>(mine), 0, kChosenCodes);
    return {};
  }
  std::vector<std::byte> all(std::reduce(bytes.begin(), bytes.end()));
  std::span<std::byte> left(all);
  for (std::size_t shard = 0; shard < bytes.size(); ++shard) {
    const std::span<std::byte> part = left.first(bytes[shard]);
    left = left.subspan(bytes[shard]);
    if (part.empty()) continue;
    if (const int from = roles.shard_ranks[shard]; from == 0)
      std::ranges::copy(mine, part.begin());
    else
      transport.receive(part, from, kChosenCodes);
  }
  return all;
}

}  // namespace

coordinator::BatchRead exchange_read(comm::Transport& transport, const wire::RolePlan& roles_plan, const Roles& roles,
                                     const wire::ReadPlan& plan, linalg::Matrix keys,
                                     const std::function<void()>& meanwhile) {
  const comm::PhaseScope phase(transport, "read");
  const std::size_t shards = roles_plan.shards();
  keys.resize(static_cast<linalg::Index>(plan.queries), static_cast<linalg::Index>(plan.key_size));
  transport.broadcast(std::span(keys.data(), static_cast<std::size_t>(keys.size())), 0);

  std::vector<std::byte> mine;
  if (roles.shard != nullptr) mine = roles.shard->propose(plan, keys);
  if (meanwhile) meanwhile();
  const auto proposals = collect(transport, roles_plan, plan, std::move(mine));
  std::vector<wire::ChosenSegment> chosen(plan.queries * plan.k);
  if (roles.coordinator != nullptr) chosen = roles.coordinator->choose(plan, keys, proposals);
  transport.broadcast(std::span(chosen), 0);

  mine.clear();
  if (roles.shard != nullptr) mine = roles.shard->hand_over(plan, chosen);
  std::vector<std::size_t> code_bytes;
  for (const std::size_t count : coordinator::CoordinatorService::chosen_per_shard(chosen, shards)) {
    code_bytes.push_back(wire::codes_bytes(plan, count));
  }
  const std::vector<std::byte> codes = collect_chosen(transport, roles_plan, code_bytes, std::move(mine));
  return roles.coordinator != nullptr ? roles.coordinator->assemble(plan, codes) : coordinator::BatchRead{};
}

}  // namespace larimar::launch
