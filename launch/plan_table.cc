#include "launch/plan_table.h"

#include <nlohmann/json.hpp>

#include "launch/quantities.h"

namespace larimar::launch {
namespace {

using coordinator::Cost;
using coordinator::RankCost;
using nlohmann::json;

std::uint64_t sum(const Cost& cost, std::uint64_t RankCost::*field) {
  std::uint64_t total = 0;
  for (const RankCost& rank : cost.ranks) total += rank.*field;
  return total;
}

json messages(const Cost& cost) {
  return {{"messages", sum(cost, &RankCost::messages_sent)},
          {"bytes", sum(cost, &RankCost::bytes_sent)},
          {"messages_to_rank_0", cost.ranks.front().messages_received},
          {"bytes_to_rank_0", cost.ranks.front().bytes_received},
          {"seconds", cost.seconds}};
}

std::string line(const std::string& name, const std::string& value) {
  return name + std::string(name.size() < 34 ? 34 - name.size() : 1, ' ') + value + "\n";
}

std::string messages_text(const Cost& cost) {
  return std::to_string(sum(cost, &RankCost::messages_sent)) + " messages, " +
         bytes_text(static_cast<double>(sum(cost, &RankCost::bytes_sent))) + ", " + seconds_text(cost.seconds) +
         " of it";
}

std::string verdict(const PlannedMemory& planned) {
  const std::string given = bytes_text(static_cast<double>(planned.memory_per_rank));
  if (planned.fits()) return "fits: no rank needs more than " + given + "\n";
  std::string text = "does NOT fit: a rank may hold " + given + ". What would fit:\n";
  for (const std::string& way : planned.advice) text += "  " + way + "\n";
  if (planned.advice.empty()) text += "  nothing; give a rank more memory\n";
  return text;
}

}  // namespace

json to_json(const PlannedMemory& planned) {
  const coordinator::CapacityPlan& plan = planned.plan;
  json result{{"tokens", planned.tokens},
              {"segments", planned.shape.segments},
              {"ranks", planned.ranks},
              {"keys", planned.keys},
              {"key_store", planned.key_store},
              {"key_folder", planned.key_folder},
              {"shards", plan.shards},
              {"shards_used", plan.shards_used},
              {"largest_shard", plan.largest_shard},
              {"ingest_seconds", plan.ingest_seconds},
              {"read_seconds", plan.read_seconds},
              {"batch_seconds", plan.batch_seconds},
              {"batch_queries", coordinator::kPlannedBatch},
              {"shard_bytes", plan.shard_bytes},
              {"rank_bytes", plan.rank_bytes},
              {"disk_bytes", plan.disk_bytes},
              {"read", messages(plan.read)},
              {"batch", messages(plan.batch)}};
  if (planned.memory_per_rank > 0) {
    result["memory_per_rank"] = planned.memory_per_rank;
    result["fits"] = planned.fits();
    result["least_ranks"] = planned.least_ranks ? json(*planned.least_ranks) : json();
    result["advice"] = planned.advice;
  }
  return result;
}

std::string to_text(const PlannedMemory& planned) {
  const coordinator::CapacityPlan& plan = planned.plan;
  std::string text;
  text +=
      line("segments", std::to_string(planned.shape.segments) + " of " + std::to_string(planned.tokens) + " tokens");
  text += line("ranks that store", std::to_string(plan.shards_used) + " of " + std::to_string(planned.ranks) +
                                       "; the fullest " + std::to_string(plan.largest_shard) + " segments");
  text += line("ingest", seconds_text(plan.ingest_seconds));
  text += line("read of 1 key", seconds_text(plan.read_seconds) + " (" + messages_text(plan.read) + ")");
  text += line("read of " + std::to_string(coordinator::kPlannedBatch) + " keys",
               seconds_text(plan.batch_seconds) + " (" + messages_text(plan.batch) + ")");
  text += line("memory of the fullest shard", bytes_text(static_cast<double>(plan.shard_bytes)) + " of segments");
  text += line("memory of the largest rank", bytes_text(static_cast<double>(plan.rank_bytes)) + " in all");
  text += line("disk", bytes_text(static_cast<double>(plan.disk_bytes)));
  if (plan.shards_used < plan.shards)
    text += "note: " + std::to_string(plan.shards - plan.shards_used) +
            " of the ranks that could store hold nothing (docs/scaling.md, \"Where more ranks stop helping\")\n";
  if (planned.memory_per_rank > 0) text += verdict(planned);
  return text;
}

}  // namespace larimar::launch
