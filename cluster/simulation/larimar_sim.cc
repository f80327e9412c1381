// larimar_sim: an ingest of codes and reads of keys by the product's own code, on ranks that SimGrid's SMPI simulates. Prints what it
// did and when, and what the cost model says of it, as one line of JSON. Started by cluster/simulation/run.py.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <simgrid/s4u.hpp>

#include "cluster/simulation/synthetic.h"
#include "common/base/error.h"
#include "common/comm/mpi_environment.h"
#include "coordinator/cost_model.h"
#include "launch/ask_keys.h"
#include "launch/codes_file.h"
#include "launch/codes_ingest.h"
#include "launch/exchange.h"
#include "launch/open_memory.h"

namespace larimar::simulation {
namespace {

using coordinator::RankCost;
using nlohmann::json;

struct Options {
  std::filesystem::path folder;  // of codes.safetensors and queries.safetensors
  std::filesystem::path memory, out;
  Synthetic synthetic;
  std::size_t batch = 64;
  coordinator::Network network;
};

constexpr std::size_t kSingleReads = 8;

double now() { return simgrid::s4u::Engine::get_clock(); }

/// Steps begin at whole simulated seconds, and none takes as long: so messages belong to the step in whose second they leave.
double begin_step() {
  simgrid::s4u::this_actor::sleep_until(std::floor(now()) + 1);
  return now();
}

json column(const coordinator::Cost& cost, std::uint64_t RankCost::*field) {
  json values = json::array();
  for (const RankCost& rank : cost.ranks) values.push_back(rank.*field);
  return values;
}

json step(const char* part, double begin, double end, const coordinator::Cost& predicted) {
  return {{"part", part},
          {"begin", begin},
          {"seconds", end - begin},
          {"predicted",
           {{"seconds", predicted.seconds},
            {"messages_sent", column(predicted, &RankCost::messages_sent)},
            {"bytes_sent", column(predicted, &RankCost::bytes_sent)},
            {"messages_received", column(predicted, &RankCost::messages_received)},
            {"bytes_received", column(predicted, &RankCost::bytes_received)}}}};
}

void ingest(comm::Transport& transport, const Options& options, json& steps) {
  launch::IngestCommand command;
  command.memory = options.memory;
  command.codes = options.folder / "codes.safetensors";
  launch::Session session(transport.size());
  const double begin = begin_step();
  if (launch::ingest_codes(transport, session, command) != 0)
    throw base::Error(base::ExitCode::kInternal, "the ingest failed");
  const double end = now();
  begin_step();
  const auto memory = launch::MemoryFolder::open_reading(transport, options.memory);
  if (transport.rank() != 0) return;
  const wire::RolePlan roles = launch::plan_storage(transport.size());
  const auto sizes = launch::sizes_of_ingest(options.memory, memory.manifest(), roles.shards());
  steps.push_back(step("ingest", begin, end, coordinator::predict_codes_ingest(sizes, roles, options.network)));
}

/// A memory, open on all ranks, and the keys to read it with, on rank 0.
struct Reading {
  Reading(comm::Transport& all, const Options& options)
      : transport(all),
        network(options.network),
        roles_plan(launch::plan_storage(all.size())),
        memory(all, roles_plan, options.memory, {}) {
    if (all.rank() == 0)
      keys = launch::read_query_keys(options.folder / "queries.safetensors", memory.folder.manifest().key_size);
    count = static_cast<std::uint64_t>(keys.rows());
    all.broadcast(std::span(&count, 1), 0);
    roles = {memory.coordinator ? &*memory.coordinator : nullptr, memory.shard ? &*memory.shard : nullptr, nullptr};
  }

  comm::Transport& transport;
  coordinator::Network network;
  wire::RolePlan roles_plan;
  launch::OpenMemory memory;
  linalg::Matrix keys;  // on rank 0
  std::uint64_t count = 0;
  launch::Roles roles{};
  std::uint64_t step = 0;
};

/// What was read, to be compared.
struct Answers {
  std::vector<float> z, scores;
  std::vector<std::uint64_t> segments;
  friend bool operator==(const Answers&, const Answers&) = default;
};

void take(const coordinator::BatchRead& read, Answers& answers) {
  answers.z.insert(answers.z.end(), read.z_read.data(), read.z_read.data() + read.z_read.size());
  answers.scores.insert(answers.scores.end(), read.scores.begin(), read.scores.end());
  for (const wire::CodeRecord& record : read.records) answers.segments.push_back(record.segment.value);
}

struct Part {
  const char* name;
  wire::ProposalRoute route;
  std::size_t count, batch;  // keys in all and in a read
};

/// Reads the first keys; each read is predicted by itself, since its winners lie elsewhere.
Answers read(Reading& reading, const Part& part, json& steps) {
  Answers answers;
  for (std::size_t at = 0; at < part.count; at += part.batch) {
    wire::ReadPlan plan;
    plan.queries = std::min(part.batch, part.count - at);
    plan.key_size = reading.memory.folder.manifest().key_size;
    plan.code_size = reading.memory.folder.manifest().code_size;
    plan.route = part.route;
    coordinator::set_form(plan, reading.memory.rules);
    plan.step = ++reading.step;
    linalg::Matrix mine;
    if (reading.transport.rank() == 0)
      mine = reading.keys.middleRows(static_cast<linalg::Index>(at), static_cast<linalg::Index>(plan.queries));
    const double begin = begin_step();
    const auto found = launch::exchange_read(reading.transport, reading.roles_plan, reading.roles, plan, mine);
    const double end = now();
    if (reading.transport.rank() != 0) continue;
    std::vector<std::size_t> chosen(reading.roles_plan.shards());
    for (const wire::CodeRecord& record : found.records)
      if (record.status == wire::ReadStatus::kOk) ++chosen[record.shard.value];
    steps.push_back(
        step(part.name, begin, end, coordinator::predict_read(plan, reading.roles_plan, chosen, reading.network)));
    take(found, answers);
  }
  return answers;
}

int run(comm::Transport& transport, const Options& options) {
  json steps = json::array();
  ingest(transport, options, steps);
  launch::AskCommand ask;
  ask.setup.batch = options.batch;
  ask.memory = options.memory;
  ask.keys = options.folder / "queries.safetensors";
  ask.out = options.out;
  launch::Session session(transport.size());
  begin_step();
  if (launch::ask_keys(transport, session, ask) != 0) throw base::Error(base::ExitCode::kInternal, "the reads failed");

  Reading reading(transport, options);
  const auto all = static_cast<std::size_t>(reading.count);
  const std::size_t single = std::min(all, kSingleReads);
  const Answers merged = read(reading, {"merged", wire::ProposalRoute::kMerged, all, options.batch}, steps);
  const Answers gathered = read(reading, {"gathered", wire::ProposalRoute::kGathered, all, options.batch}, steps);
  const Answers one_merged = read(reading, {"merged_single", wire::ProposalRoute::kMerged, single, 1}, steps);
  const Answers one_gathered = read(reading, {"gathered_single", wire::ProposalRoute::kGathered, single, 1}, steps);
  if (transport.rank() != 0) return 0;
  const bool same = merged == gathered && one_merged == one_gathered;
  std::cout << json{{"ranks", transport.size()}, {"same_answers", same}, {"steps", steps}}.dump() << std::endl;
  return same ? 0 : static_cast<int>(base::ExitCode::kDegraded);
}

int start(int argc, char** argv) {
  CLI::App app{"Larimar-MPI on simulated ranks"};
  app.require_subcommand(1);
  Options options;
  CLI::App* make = app.add_subcommand("make", "write codes and read keys made from a seed");
  make->add_option("folder", options.folder)->required();
  make->add_option("--rows", options.synthetic.rows);
  make->add_option("--queries", options.synthetic.queries);
  CLI::App* simulate = app.add_subcommand("run", "ingest and read them");
  simulate->add_option("folder", options.folder)->required();
  simulate->add_option("--memory", options.memory, "memory folder to make")->required();
  simulate->add_option("--out", options.out, "safetensors for what is read")->required();
  simulate->add_option("--batch", options.batch);
  simulate->add_option("--latency", options.network.latency_seconds)->required();
  simulate->add_option("--bandwidth", options.network.bytes_per_second)->required();
  simulate->add_option("--overhead", options.network.overhead_seconds)->required();
  simulate->add_option("--eager", options.network.eager_bytes)->required();
  CLI11_PARSE(app, argc, argv);

  const comm::Environment environment;
  const auto transport = environment.make_transport();
  int code = 0;
  try {
    if (*make && transport->rank() == 0) make_synthetic(options.folder, options.synthetic);
    if (*simulate) code = run(*transport, options);
  } catch (const base::Error& error) {
    std::fprintf(stderr, "larimar_sim: %s\n", error.what());
    transport->abort(error.code());
  }
  return code;
}

}  // namespace
}  // namespace larimar::simulation

int main(int argc, char** argv) { return larimar::simulation::start(argc, argv); }
