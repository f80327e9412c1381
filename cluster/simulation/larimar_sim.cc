// larimar_sim: an ingest of codes and reads of keys by the product's own code, on ranks that SimGrid's SMPI simulates. It
// measures simulated time, counts messages and bytes, and fails where the cost model says other numbers or where two ways of
// reading disagree. Started by cluster/simulation/run.py.
#include <mpi.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "cluster/simulation/counts.h"
#include "cluster/simulation/synthetic.h"
#include "common/base/error.h"
#include "common/comm/mpi_transport.h"
#include "launch/ask_keys.h"
#include "launch/codes_file.h"
#include "launch/codes_ingest.h"
#include "launch/exchange.h"
#include "launch/open_memory.h"

namespace larimar::simulation {
namespace {

using nlohmann::json;

struct Options {
  std::filesystem::path folder;  // of codes.safetensors and queries.safetensors
  std::filesystem::path memory, out, traffic;
  Synthetic synthetic;
  std::size_t batch = 64;
  coordinator::Network network;
};

// With an infinite patience a rank waits in MPI itself: simulated time passes without polling, and a deadlock is seen.
constexpr double kForEver = std::numeric_limits<double>::infinity();
constexpr std::size_t kSingleReads = 8;

/// Sizes that only the finished memory tells.
coordinator::CodesIngest sizes_of(const std::filesystem::path& memory, const store::Manifest& manifest,
                                  std::size_t shards) {
  coordinator::CodesIngest sizes{std::filesystem::file_size(memory / "manifest.1"),
                                 std::filesystem::file_size(memory / "manifest.0"), std::vector<std::size_t>(shards)};
  for (const store::LogState& log : manifest.logs) ++sizes.logs[log.shard % shards];
  return sizes;
}

json ingest(comm::Transport& transport, const Options& options) {
  const wire::RolePlan roles = launch::plan_storage(transport.size());
  launch::IngestCommand command;
  command.setup.patience = kForEver;
  command.memory = options.memory;
  command.codes = options.folder / "codes.safetensors";
  Counted counted(transport);
  const double begin = MPI_Wtime();
  if (launch::ingest_codes(transport, command) != 0) throw base::Error(base::ExitCode::kInternal, "the ingest failed");
  const double end = MPI_Wtime();
  counted.note();
  const auto memory = launch::MemoryFolder::open_reading(transport, options.memory);
  std::vector<coordinator::Cost> predicted;
  if (transport.rank() == 0) {
    const auto sizes = sizes_of(options.memory, memory.manifest(), roles.shards());
    predicted.push_back(coordinator::predict_codes_ingest(sizes, roles, options.network));
  }
  return compare(transport, counted.steps(), predicted, {end - begin});
}

/// A memory, open on all ranks, and the keys to read it with, on rank 0.
struct Reading {
  Reading(comm::Transport& all, const Options& options)
      : transport(all),
        network(options.network),
        roles_plan(launch::plan_storage(all.size())),
        memory(all, roles_plan, options.memory) {
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

/// Reads the first `count` keys in batches; each is compared with its own prediction, since its winners lie elsewhere.
json read(Reading& reading, std::size_t count, std::size_t batch, wire::ProposalRoute route, Answers& answers) {
  const bool root = reading.transport.rank() == 0;
  std::vector<double> seconds;
  std::vector<coordinator::Cost> predicted;
  Counted counted(reading.transport);
  for (std::size_t at = 0; at < count; at += batch) {
    wire::ReadPlan plan;
    plan.queries = std::min(batch, count - at);
    plan.key_size = reading.memory.folder.manifest().key_size;
    plan.code_size = reading.memory.folder.manifest().code_size;
    plan.route = route;
    coordinator::set_form(plan, reading.memory.rules);
    plan.step = ++reading.step;
    linalg::Matrix mine;
    if (root) mine = reading.keys.middleRows(static_cast<linalg::Index>(at), static_cast<linalg::Index>(plan.queries));
    // Rank 0 is the last to end a read, so all others are there when it begins the next.
    const double begin = MPI_Wtime();
    const auto found = launch::exchange_read(reading.transport, reading.roles_plan, reading.roles, plan, mine);
    const double end = MPI_Wtime();
    counted.note();
    if (!root) continue;
    seconds.push_back(end - begin);
    std::vector<std::size_t> chosen(reading.roles_plan.shards());
    for (const wire::CodeRecord& record : found.records)
      if (record.status == wire::ReadStatus::kOk) ++chosen[record.shard.value];
    predicted.push_back(coordinator::predict_read(plan, reading.roles_plan, chosen, reading.network));
    take(found, answers);
  }
  return compare(reading.transport, counted.steps(), predicted, seconds);
}

int run(comm::Transport& transport, const Options& options) {
  json report{{"ranks", transport.size()}, {"batch", options.batch}};
  report["ingest"] = ingest(transport, options);
  launch::AskCommand ask;
  ask.setup.batch = options.batch;
  ask.memory = options.memory;
  ask.keys = options.folder / "queries.safetensors";
  ask.out = options.out;
  if (launch::ask_keys(transport, ask) != 0) throw base::Error(base::ExitCode::kInternal, "the reads failed");

  Reading reading(transport, options);
  const auto all = static_cast<std::size_t>(reading.count);
  const std::size_t single = std::min(all, kSingleReads);
  Answers merged, gathered, merged_single, gathered_single;
  report["merged"] = read(reading, all, options.batch, wire::ProposalRoute::kMerged, merged);
  report["gathered"] = read(reading, all, options.batch, wire::ProposalRoute::kGathered, gathered);
  report["merged_single"] = read(reading, single, 1, wire::ProposalRoute::kMerged, merged_single);
  report["gathered_single"] = read(reading, single, 1, wire::ProposalRoute::kGathered, gathered_single);
  if (transport.rank() != 0) return 0;
  bool equal = merged == gathered && merged_single == gathered_single;
  report["same_answers"] = equal;
  for (const char* part : {"ingest", "merged", "gathered", "merged_single", "gathered_single"})
    equal = equal && report[part]["equal"].get<bool>();
  report["equal"] = equal;
  std::cout << report.dump() << std::endl;
  return equal ? 0 : static_cast<int>(base::ExitCode::kDegraded);
}

/// "RANK MESSAGES BYTES" of all that this rank has sent; lines of all ranks in one file. Local.
void tell_traffic(const comm::Transport& transport, const std::filesystem::path& path) {
  const comm::Sent sent = transport.sent();
  std::ofstream(path, std::ios::app) << transport.rank() << ' ' << sent.messages << ' ' << sent.bytes << '\n';
}

/// Rank 2 does a broadcast more than the others: it waits for what nobody sends, and its parent for its part of the merge.
int out_of_step(comm::Transport& transport) {
  std::vector<float> keys(16);
  transport.broadcast(std::span(keys), 0);
  if (transport.rank() == 2) transport.broadcast(std::span(keys), 0);
  const comm::Merging keep_low{
      [](int, int) { return std::size_t{8}; },
      [](std::span<const std::byte> low, std::span<const std::byte>) { return std::vector(low.begin(), low.end()); }};
  static_cast<void>(transport.merge_up(std::vector<std::byte>(8), keep_low));
  return 0;
}

int start(int argc, char** argv) {
  CLI::App app{"Larimar-MPI on simulated ranks"};
  app.require_subcommand(1);
  Options options;
  CLI::App* make = app.add_subcommand("make", "write codes and read keys made from a seed");
  make->add_option("folder", options.folder)->required();
  make->add_option("--rows", options.synthetic.rows);
  make->add_option("--queries", options.synthetic.queries);
  make->add_option("--code-size", options.synthetic.code_size);
  make->add_option("--key-size", options.synthetic.key_size);
  CLI::App* simulate = app.add_subcommand("run", "ingest and read them");
  simulate->add_option("folder", options.folder)->required();
  simulate->add_option("--memory", options.memory, "memory folder to make")->required();
  simulate->add_option("--out", options.out, "safetensors for what is read")->required();
  simulate->add_option("--batch", options.batch);
  simulate->add_option("--traffic", options.traffic, "file for what each rank has sent in all");
  simulate->add_option("--latency", options.network.latency_seconds)->required();
  simulate->add_option("--bandwidth", options.network.bytes_per_second)->required();
  simulate->add_option("--overhead", options.network.overhead_seconds)->required();
  simulate->add_option("--eager", options.network.eager_bytes)->required();
  CLI::App* confuse = app.add_subcommand("out-of-step", "let rank 2 do one broadcast more than the others");
  CLI11_PARSE(app, argc, argv);

  MPI_Init(&argc, &argv);
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  int code = 0;
  try {
    comm::MpiTransport transport(MPI_COMM_WORLD);
    transport.set_patience(kForEver);
    if (*make && transport.rank() == 0) make_synthetic(options.folder, options.synthetic);
    if (*simulate) code = run(transport, options);
    if (*simulate && !options.traffic.empty()) tell_traffic(transport, options.traffic);
    if (*confuse) code = out_of_step(transport);
  } catch (const base::Error& error) {
    std::fprintf(stderr, "larimar_sim: %s\n", error.what());
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(error.code()));
  }
  MPI_Finalize();
  return code;
}

}  // namespace
}  // namespace larimar::simulation

int main(int argc, char** argv) { return larimar::simulation::start(argc, argv); }
