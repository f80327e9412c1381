#include "coordinator/cost_model.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/comm/binomial.h"
#include "common/comm/transport.h"
#include "common/wire/merged.h"

namespace larimar::coordinator {

CostModel::CostModel(int ranks, const Network& network) : network_(network) {
  if (ranks < 1) throw base::ConfigError("costs are of at least 1 rank, not of " + std::to_string(ranks));
  if (!(network.bytes_per_second > 0)) throw base::ConfigError("a network needs a bandwidth above 0 bytes a second");
  cost_.ranks.resize(static_cast<std::size_t>(ranks));
  clocks_.resize(static_cast<std::size_t>(ranks));
}

std::vector<int> CostModel::children_of(int rank) const {
  std::vector<int> children;
  comm::Binomial(rank, static_cast<int>(clocks_.size())).for_children([&](int child) { children.push_back(child); });
  return children;
}

int CostModel::end_of(int rank) const { return comm::Binomial(rank, static_cast<int>(clocks_.size())).end(); }

void CostModel::count(int from, int to, std::size_t bytes) {
  RankCost& sender = cost_.ranks[static_cast<std::size_t>(from)];
  RankCost& receiver = cost_.ranks[static_cast<std::size_t>(to)];
  ++sender.messages_sent;
  sender.bytes_sent += bytes;
  ++receiver.messages_received;
  receiver.bytes_received += bytes;
}

double CostModel::leave(int from, std::size_t bytes) {
  Clock& sender = clocks_[static_cast<std::size_t>(from)];
  sender.now += network_.overhead_seconds;
  const double begin = std::max(sender.now, sender.out);
  sender.out = begin + on_wire(bytes);
  return begin;
}

void CostModel::transfer(int from, int to, std::size_t bytes) {
  count(from, to, bytes);
  const double begin = leave(from, bytes);
  Clock& sender = clocks_[static_cast<std::size_t>(from)];
  Clock& receiver = clocks_[static_cast<std::size_t>(to)];
  receiver.in = std::max(begin + network_.latency_seconds, receiver.in) + on_wire(bytes);
  if (bytes > network_.eager_bytes) sender.now = std::max(sender.now, receiver.in);
  receiver.now = std::max(receiver.now, receiver.in) + network_.overhead_seconds;
}

void CostModel::broadcast_below(int rank, std::size_t bytes) {
  std::vector<int> children = children_of(rank);
  std::ranges::reverse(children);
  for (const int child : children) transfer(rank, child, bytes);
  for (const int child : children) broadcast_below(child, bytes);
}

void CostModel::broadcast(std::size_t bytes) {
  if (bytes > 0) broadcast_below(0, bytes);
}

void CostModel::all_gather(std::size_t bytes_of_each) {
  merge_below(0, [&](int first, int last) { return static_cast<std::size_t>(last - first) * bytes_of_each; });
  broadcast_below(0, clocks_.size() * bytes_of_each);
}

void CostModel::broadcast_string(std::size_t bytes) {
  broadcast(sizeof(std::uint64_t));
  broadcast(bytes);
}

namespace {

/// A message to a link: its first byte is there at `begin`, and alone it would be through in `on_wire` seconds.
struct Coming {
  double begin = 0, on_wire = 0;
};

/// When messages over one link are through, rising: those that come at the same time share it evenly.
std::vector<double> arrivals(std::vector<Coming> coming) {
  std::ranges::sort(coming, {}, &Coming::begin);
  std::priority_queue<double, std::vector<double>, std::greater<>> ends;  // as `served` counts
  std::vector<double> through;
  double now = 0, served = 0;  // seconds of the link that each message on its way has had since the start
  for (std::size_t next = 0; next < coming.size() || !ends.empty();) {
    const auto sharing = static_cast<double>(ends.size());
    const double end = ends.empty() ? std::numeric_limits<double>::infinity() : now + (ends.top() - served) * sharing;
    if (next < coming.size() && coming[next].begin <= end) {
      if (!ends.empty()) served += (coming[next].begin - now) / sharing;
      now = coming[next].begin;
      ends.push(served + coming[next].on_wire);
      ++next;
    } else {
      now = end;
      served = ends.top();
      ends.pop();
      through.push_back(now);
    }
  }
  return through;
}

}  // namespace

void CostModel::gather(std::span<const std::size_t> bytes) {
  const auto senders = static_cast<std::size_t>(std::ranges::count_if(bytes, [](std::size_t of) { return of > 0; }));
  if (senders > 0) bring(bytes, !comm::is_sparse(senders, bytes.size()));
}

void CostModel::bring(std::span<const std::size_t> bytes, bool empty_too) {
  Clock& root = clocks_.front();
  std::vector<Coming> coming;
  for (std::size_t rank = 1; rank < bytes.size(); ++rank) {
    if (bytes[rank] == 0 && !empty_too) continue;
    count(static_cast<int>(rank), 0, bytes[rank]);
    const double begin = leave(static_cast<int>(rank), bytes[rank]) + network_.latency_seconds;
    coming.push_back({std::max(begin, root.in), on_wire(bytes[rank])});
  }
  for (const double arrival : arrivals(std::move(coming))) {
    root.in = arrival;
    root.now = std::max(root.now, arrival) + network_.overhead_seconds;
  }
  for (std::size_t rank = 1; rank < bytes.size(); ++rank)
    if (bytes[rank] > network_.eager_bytes) clocks_[rank].now = std::max(clocks_[rank].now, root.in);
}

Cost CostModel::cost() const {
  Cost cost = cost_;
  cost.seconds = clocks_.front().now;
  return cost;
}

namespace {

std::vector<std::size_t> on_ranks(const wire::RolePlan& roles, std::span<const std::size_t> per_shard) {
  std::vector<std::size_t> bytes(static_cast<std::size_t>(roles.ranks));
  for (std::size_t i = 0; i < per_shard.size(); ++i)
    bytes[static_cast<std::size_t>(roles.shard_ranks[i])] = per_shard[i];
  return bytes;
}

}  // namespace

Cost predict_read(const wire::ReadPlan& plan, const wire::RolePlan& roles, std::span<const std::size_t> chosen,
                  const Network& network) {
  if (chosen.size() != roles.shards())
    throw base::ShapeError("winners of " + std::to_string(chosen.size()) + " shards were given for " +
                           std::to_string(roles.shards()));
  CostModel model(roles.ranks, network);
  model.broadcast(plan.queries * plan.key_size * sizeof(float));
  if (wire::is_merged(plan, roles.shards())) {
    model.merge_up([&](int first, int last) { return wire::merged_bytes(plan, roles.shards_within(first, last)); });
  } else {
    model.gather(on_ranks(roles, std::vector(roles.shards(), wire::proposal_bytes(plan))));
  }
  model.broadcast(plan.queries * plan.k * sizeof(wire::ChosenSegment));
  std::vector<std::size_t> codes;
  for (const std::size_t count : chosen) codes.push_back(wire::codes_bytes(plan, count));
  model.collect(on_ranks(roles, codes));
  return model.cost();
}

Cost predict_codes_ingest(const CodesIngest& sizes, const wire::RolePlan& roles, const Network& network) {
  if (sizes.logs.size() != roles.shards())
    throw base::ShapeError("logs of " + std::to_string(sizes.logs.size()) + " shards were given for " +
                           std::to_string(roles.shards()));
  constexpr std::size_t kDescribedBytes = 32, kLogStateBytes = 32, kNumberBytes = 8;
  CostModel model(roles.ranks, network);
  const auto agree = [&model](int times) {
    for (int i = 0; i < times; ++i) model.agree();
  };
  agree(2);  // the file is good, and described by rank 0
  model.broadcast(kDescribedBytes);
  agree(2);  // its rows are numbers; is there a memory?
  model.broadcast(kNumberBytes);
  agree(2);  // there is none, and rank 0 has made one
  model.broadcast_string(sizes.first_manifest);
  agree(3);  // it is understood; the folder is open; every log is written
  model.all_gather(kNumberBytes);
  std::vector<std::size_t> states;
  for (const std::size_t logs : sizes.logs) states.push_back(logs * kLogStateBytes);
  model.gather(on_ranks(roles, states));
  agree(2);  // the rules are rules; the manifest is committed
  model.broadcast_string(sizes.last_manifest);
  agree(1);
  return model.cost();
}

std::vector<std::size_t> evenly_chosen(const wire::ReadPlan& plan, std::size_t shards) {
  const std::size_t winners = plan.queries * plan.k;
  std::vector<std::size_t> chosen(shards, winners / shards);
  for (std::size_t i = 0; i < winners % shards; ++i) ++chosen[i];
  return chosen;
}

}  // namespace larimar::coordinator
