#include "cluster/simulation/counts.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace larimar::simulation {
namespace {

using coordinator::RankCost;
using nlohmann::json;

constexpr std::array kCollectives = {comm::Verb::kBroadcast, comm::Verb::kAllGather, comm::Verb::kGather,
                                     comm::Verb::kMerge};

RankCost operator-(const RankCost& a, const RankCost& b) {
  return {a.messages_sent - b.messages_sent, a.bytes_sent - b.bytes_sent, a.messages_received - b.messages_received,
          a.bytes_received - b.bytes_received};
}

RankCost traffic_of(const comm::Transport& transport) {
  RankCost sum;
  for (std::size_t verb = 0; verb < comm::kVerbNames.size(); ++verb) {
    const comm::Traffic& traffic = transport.traffic(static_cast<comm::Verb>(verb));
    sum.messages_sent += traffic.messages_sent;
    sum.bytes_sent += traffic.bytes_sent;
    sum.messages_received += traffic.messages_received;
    sum.bytes_received += traffic.bytes_received;
  }
  return sum;
}

/// Of rank 0, of the rank with the most, and of all.
json summary(std::span<const RankCost> ranks, std::uint64_t RankCost::*field) {
  std::uint64_t most = 0, all = 0;
  for (const RankCost& rank : ranks) {
    most = std::max(most, rank.*field);
    all += rank.*field;
  }
  return {{"root", ranks.front().*field}, {"most", most}, {"all", all}};
}

json messages(std::span<const RankCost> ranks) {
  return {{"messages_sent", summary(ranks, &RankCost::messages_sent)},
          {"bytes_sent", summary(ranks, &RankCost::bytes_sent)},
          {"messages_received", summary(ranks, &RankCost::messages_received)},
          {"bytes_received", summary(ranks, &RankCost::bytes_received)}};
}

}  // namespace

Counted::Step Counted::now() const {
  Step step{traffic_of(transport_), 0};
  for (const comm::Verb verb : kCollectives) step.collectives += transport_.traffic(verb).calls;
  return step;
}

void Counted::note() {
  const Step step = now();
  steps_.push_back({step.rank - before_.rank, step.collectives - before_.collectives});
  before_ = step;
}

json compare(comm::Transport& transport, const std::vector<Counted::Step>& steps,
             const std::vector<coordinator::Cost>& predicted, const std::vector<double>& seconds) {
  const auto ranks = static_cast<std::size_t>(transport.size());
  const auto all = transport.gather_varying(std::span(steps), std::vector(ranks, steps.size()), 0);
  if (transport.rank() != 0) return {};
  json differences = json::array();
  std::vector<RankCost> first;
  for (std::size_t step = 0; step < steps.size(); ++step) {
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const Counted::Step& found = all[rank * steps.size() + step];
      if (step == 0) first.push_back(found.rank);
      const coordinator::Cost& cost = predicted.at(step);
      if (found.rank == cost.ranks[rank] && found.collectives == cost.collectives) continue;
      if (differences.size() < 4)
        differences.push_back({{"step", step},
                               {"rank", rank},
                               {"collectives", {found.collectives, cost.collectives}},
                               {"counted", messages(std::span(&found.rank, 1))},
                               {"predicted", messages(std::span(&cost.ranks[rank], 1))}});
    }
  }
  json result = messages(first);
  result["equal"] = differences.empty();
  result["differences"] = differences;
  result["collectives"] = steps.front().collectives;
  result["seconds"] = seconds;
  for (const coordinator::Cost& cost : predicted) result["predicted_seconds"].push_back(cost.seconds);
  return result;
}

}  // namespace larimar::simulation
