#include "eval/plan.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "common/base/error.h"
#include "eval/row.h"

namespace larimar::eval {
namespace {

std::uint64_t document_bytes(const std::filesystem::path& path) {
  std::error_code failure;
  const auto bytes = std::filesystem::file_size(path, failure);
  if (failure) throw base::MissingInputError("cannot read the document " + path.string() + ": " + failure.message());
  return bytes;
}

std::string cell_group(const Row& row) {
  return row.kind + "/" + std::to_string(row.digits) + "/" + std::to_string(row.context_length) + "/" +
         std::to_string(row.depth) + "/" + row.key_mode + "/" + row.form;
}

}  // namespace

RunPlan plan_run(std::span<const Task> tasks, const RunScope& scope, std::uint64_t whole_tokens, int shards) {
  RunPlan plan;
  std::set<std::string> cells;
  double tokens_again = 0, shared_tokens = 0, ready_tokens = 0;
  for (const Unit& unit : list_units(tasks, scope)) {
    for (const Row& row : rows_of(unit, scope)) cells.insert(cell_group(row));
    plan.queries += unit.trial->queries.size();
    ++plan.contexts;
    double tokens = 0;
    if (unit.trial->document.empty()) {
      const std::uint64_t length = scope.lengths[unit.length];
      tokens = static_cast<double>(length == 0 ? whole_tokens : length);
      shared_tokens = std::max(shared_tokens, tokens);
      tokens_again += std::min(
          tokens, kPlanRates.tokens_again * static_cast<double>(std::max<std::size_t>(1, unit.trial->plants.size())));
    } else {
      tokens = static_cast<double>(document_bytes(unit.trial->document)) / kPlanRates.bytes_per_token;
      ready_tokens += tokens;
    }
    plan.longest_tokens = std::max(plan.longest_tokens, static_cast<std::uint64_t>(tokens));
    plan.context_bytes += static_cast<std::uint64_t>(tokens * kPlanRates.bytes_per_token);
  }
  plan.cells = cells.size();
  const double spread_tokens = shared_tokens * static_cast<double>(scope.key_modes.size()) + ready_tokens;
  // The block that changed is one shard's work; the rest is everybody's.
  plan.seconds = (spread_tokens / shards + tokens_again) / kPlanRates.tokens_per_second +
                 static_cast<double>(plan.contexts) * kPlanRates.seconds_per_context;
  plan.shard_bytes =
      kPlanRates.shard_base_bytes + kPlanRates.shard_bytes_per_token * (spread_tokens + tokens_again) / shards;
  plan.other_bytes = kPlanRates.other_base_bytes;
  return plan;
}

std::string to_text(const RunPlan& plan, int ranks) {
  std::array<char, 1024> text{};
  std::snprintf(
      text.data(), text.size(),
      "cells %llu, queries %llu, contexts %llu, longest %llu tokens, %.3g GB of context in all\n"
      "estimated for %d rank%s: %.0f s; memory %.2f GB on a rank with a shard, %.2f GB on another\n"
      "(from rates measured on one core per rank: %.0f tokens/s encoded per shard, about %.0f tokens encoded again "
      "for each hidden sentence, %.2f s per context; %.0f MB + %.0f bytes per token)\n",
      static_cast<unsigned long long>(plan.cells), static_cast<unsigned long long>(plan.queries),
      static_cast<unsigned long long>(plan.contexts), static_cast<unsigned long long>(plan.longest_tokens),
      static_cast<double>(plan.context_bytes) / 1e9, ranks, ranks == 1 ? "" : "s", plan.seconds, plan.shard_bytes / 1e9,
      plan.other_bytes / 1e9, kPlanRates.tokens_per_second, kPlanRates.tokens_again, kPlanRates.seconds_per_context,
      kPlanRates.shard_base_bytes / 1e6, kPlanRates.shard_bytes_per_token);
  return text.data();
}

}  // namespace larimar::eval
