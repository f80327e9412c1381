// larimar plan: what a memory of some size would take on some ranks. One process; no MPI, no networks.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/error.h"
#include "launch/commands.h"
#include "launch/machine_rates.h"
#include "launch/options.h"
#include "launch/plan_table.h"
#include "launch/quantities.h"

namespace larimar::launch {
namespace {

constexpr std::int64_t kMostRanks = 65'536;
constexpr double kMostTokensOfASegment = 512;
constexpr double kBytesOfAToken = 4.2, kBytesOfABlock = 16'384;  // of English prose; common/text/corpus.h
constexpr std::size_t kUsualReads = 4, kRerankedReads = 64;      // --reads; what static keys hand to MiniLM

coordinator::MemoryShape shape_of(const PlanCommand& command, std::uint64_t tokens, shard::KeyStore store) {
  const KeyMaker maker = parse_key_maker(command.keys);
  const auto count = [](double value) { return static_cast<std::uint64_t>(std::max(1.0, std::ceil(value))); };
  return {.tokens = tokens,
          .segments = count(static_cast<double>(tokens) / command.tokens_per_segment),
          .blocks = count(static_cast<double>(tokens) * kBytesOfAToken / kBytesOfABlock),
          .key_size = key_size_of(maker),
          .key_bytes = bytes_of(store),
          .keys_in_files = command.key_folder,
          .reads = maker == KeyMaker::kStatic ? kRerankedReads : kUsualReads};
}

void check(const PlanCommand& command) {
  if (command.ranks < 1 || command.ranks > kMostRanks)
    throw base::UsageError("--ranks is " + std::to_string(command.ranks) + ", but a job has 1 to " +
                           std::to_string(kMostRanks) + " ranks");
  if (command.decoders < 1 || command.decoders > command.ranks)
    throw base::UsageError("--decoders is " + std::to_string(command.decoders) + ", but of " +
                           std::to_string(command.ranks) + " ranks 1 to " + std::to_string(command.ranks) +
                           " can decode");
  if (!(command.tokens_per_segment >= 1 && command.tokens_per_segment <= kMostTokensOfASegment))
    throw base::UsageError("--tokens-per-segment is " + std::to_string(command.tokens_per_segment) +
                           ", but a segment has 1 to " + std::to_string(static_cast<int>(kMostTokensOfASegment)) +
                           " tokens");
}

/// Throws UsageError if not even an almost empty memory fits, on whatever ranks.
void check_room(const PlanCommand& command, const PlannedMemory& planned, const coordinator::Footprint& footprint) {
  coordinator::MemoryShape empty = planned.shape;
  empty.tokens = empty.segments = empty.blocks = 1;
  const auto decoders = static_cast<int>(command.decoders);
  const std::uint64_t least =
      coordinator::most_bytes_of_a_rank(empty, wire::plan_roles(3 + decoders, decoders), footprint);
  if (planned.memory_per_rank >= least) return;
  throw base::UsageError("--memory-per-rank is " + command.memory_per_rank + ", but program and networks alone take " +
                         bytes_text(static_cast<double>(least)) + " of a rank with --keys " + command.keys +
                         "; give more, with a suffix such as M or G");
}

/// What would fit: more ranks by this key store, or on these ranks a shorter one, or files.
void advise(const PlanCommand& command, const coordinator::Footprint& footprint, PlannedMemory& planned) {
  const auto decoders = static_cast<int>(command.decoders);
  const auto roles = wire::plan_roles(planned.ranks, decoders);
  planned.least_ranks = coordinator::least_ranks(planned.shape, decoders, footprint, planned.memory_per_rank);
  if (planned.fits()) return;
  if (planned.least_ranks) planned.advice.push_back("--ranks " + std::to_string(*planned.least_ranks));
  for (const auto store : {shard::KeyStore::kBFloat16, shard::KeyStore::kInt8}) {
    for (const bool files : {false, true}) {
      coordinator::MemoryShape shape = planned.shape;
      shape.key_bytes = bytes_of(store);
      shape.keys_in_files = files;
      const std::string options =
          "--key-store " + shard::name_of(store) + (files ? " --key-folder DIR, as fast as that disk" : "");
      if (coordinator::most_bytes_of_a_rank(shape, roles, footprint) <= planned.memory_per_rank)
        planned.advice.push_back(options);
      else if (const auto ranks = coordinator::least_ranks(shape, decoders, footprint, planned.memory_per_rank);
               ranks && (!planned.least_ranks || *ranks < *planned.least_ranks))
        planned.advice.push_back("--ranks " + std::to_string(*ranks) + " " + options);
    }
  }
}

}  // namespace

void add_plan_options(CLI::App& app, PlanCommand& command) {
  app.add_option("--tokens", command.tokens, "size of the text: 300K, 2.5M, 1B, 1T")->required();
  app.add_option("--ranks", command.ranks, "ranks of the job")->capture_default_str();
  app.add_option("--memory-per-rank", command.memory_per_rank,
                 "what a rank may hold, 512M or 4G in powers of 1024: says whether it fits, and else what would");
  app.add_option("--decoders", command.decoders, "ranks that decode")->capture_default_str();
  app.add_option("--keys", command.keys, "what makes keys: minilm, static or model")->capture_default_str();
  app.add_option("--key-store", command.key_store, "keys as a search passes over them: fp32, bf16 or int8")
      ->capture_default_str();
  app.add_flag("--key-folder", command.key_folder, "compressed keys in mapped files instead of memory");
  app.add_option("--tokens-per-segment", command.tokens_per_segment, "tokens of a segment, on average")
      ->capture_default_str();
  app.add_option(
      "--rates", command.rates,
      "rates of a machine: JSON of larimar bench, or {\"rates\": {...}} (default: those of docs/scaling.md)");
  app.add_flag("--json", command.json, "one JSON object instead of a table");
}

int plan_command(const PlanCommand& command) {
  check(command);
  const std::uint64_t tokens = parse_count(command.tokens, "--tokens");
  const shard::KeyStore store = shard::parse_key_store(command.key_store);
  const KeyMaker maker = parse_key_maker(command.keys);
  if (command.key_folder && store == shard::KeyStore::kFloat32)
    throw base::UsageError("--key-folder is for compressed keys; give --key-store bf16 or int8 with it");
  coordinator::MachineRates rates = usual_rates(maker, store);
  if (!command.rates.empty()) rates = read_rates(command.rates, store, rates);
  const coordinator::Footprint footprint = usual_footprint(maker);

  PlannedMemory planned{.tokens = tokens,
                        .ranks = static_cast<int>(command.ranks),
                        .keys = command.keys,
                        .key_store = shard::name_of(store),
                        .key_folder = command.key_folder,
                        .shape = shape_of(command, tokens, store)};
  const wire::RolePlan roles = wire::plan_roles(planned.ranks, static_cast<int>(command.decoders));
  if (!command.memory_per_rank.empty()) {
    planned.memory_per_rank = parse_bytes(command.memory_per_rank, "--memory-per-rank");
    check_room(command, planned, footprint);
  }
  planned.plan = coordinator::plan_capacity(planned.shape, roles, rates, footprint);
  if (planned.memory_per_rank > 0) advise(command, footprint, planned);
  std::cout << (command.json ? to_json(planned).dump() + "\n" : to_text(planned)) << std::flush;
  return planned.fits() ? 0 : static_cast<int>(base::ExitCode::kConfig);
}

}  // namespace larimar::launch
