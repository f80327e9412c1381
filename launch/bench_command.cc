// larimar bench: what the hot paths take, and which share of the machine's limits that is.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "bench/parts/measured.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "common/comm/agree.h"
#include "common/linalg/blas.h"
#include "launch/commands.h"
#include "launch/options.h"
#include "launch/version.h"
#include "shard/scan_kernels.h"

namespace larimar::launch {
namespace {

std::vector<bench::NamedPart> wanted_parts(const std::vector<std::string>& names) {
  std::vector<bench::NamedPart> wanted;
  if (names.empty()) {
    std::ranges::copy_if(bench::all_parts(), std::back_inserter(wanted), std::not_fn(&bench::NamedPart::only_by_name));
    return wanted;
  }
  for (const std::string& name : names) {
    const auto found = std::ranges::find(bench::all_parts(), name, &bench::NamedPart::name);
    if (found == bench::all_parts().end()) {
      std::string known;
      for (const bench::NamedPart& part : bench::all_parts())
        known += std::string(known.empty() ? "" : ", ") + part.name;
      throw base::UsageError("bench has no part \"" + name + "\"; there are " + known);
    }
    wanted.push_back(*found);
  }
  return wanted;
}

nlohmann::json to_json(const std::vector<bench::Measured>& lines) {
  nlohmann::json rows = nlohmann::json::array();
  for (const bench::Measured& line : lines) {
    rows.push_back({{"part", line.part},
                    {"measured", line.name},
                    {"value", line.value},
                    {"unit", line.unit},
                    {"limit", line.limit},
                    {"share", line.limit.empty() ? nlohmann::json() : nlohmann::json(line.share)}});
    if (!line.ranks.empty()) rows.back()["ranks"] = line.ranks;
  }
  return rows;
}

void print_table(const std::vector<bench::Measured>& lines) {
  for (const bench::Measured& line : lines) {
    std::printf("%-8s %-72s %10.4g %-8s", line.part.c_str(), line.name.c_str(), line.value, line.unit.c_str());
    if (!line.limit.empty()) std::printf(" %4.0f %% of %s", 100 * line.share, line.limit.c_str());
    std::printf("\n");
  }
  std::fflush(stdout);
}

}  // namespace

void add_bench_options(CLI::App& app, BenchCommand& command) {
  app.add_option(
      "parts", command.parts,
      "what to measure: limits, scan, linear, encode, write, decode, query, scaling (default: all but the last two)");
  app.add_flag("--quick", command.options.quick, "small sizes, to see that all works; says nothing about speed");
  app.add_option("--rounds", command.options.rounds, "times that everything is measured, in turns")
      ->capture_default_str();
  app.add_option("--rows", command.options.rows, "keys of a scan (250,000) or a query, segments of scaling (65,536)")
      ->check(CLI::Range(1000, 100'000'000));
  app.add_option("--width", command.options.width, "components of a key")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--folder", command.options.folder,
                 "write, query, scaling: where their memories are made; all ranks see it (default: the system's "
                 "temporary folder)");
  app.add_option("--rates", command.options.rates,
                 "scaling: rates that it is compared with, as for larimar plan (default: those of docs/scaling.md)");
  app.add_option("--out", command.out, "JSON file with the processor, the load and all lines");
  app.add_flag("--json", command.json, "the same on standard output instead of a table");
}

int bench_command(comm::Transport& transport, const BenchCommand& command) {
  const std::vector<bench::NamedPart> parts = comm::together(transport, [&] {
    if (command.options.rounds < 1) throw base::UsageError("--rounds must be at least 1");
    return wanted_parts(command.parts);
  });
  linalg::set_blas_threads(1);
  const double load_before = bench::load_average();
  std::vector<bench::Measured> lines;
  for (const bench::NamedPart& part : parts) {
    const comm::PhaseScope phase(transport, std::string("bench ") + part.name);
    const std::vector<bench::Measured> more = part.run(transport, command.options);
    lines.insert(lines.end(), more.begin(), more.end());
  }
  if (transport.rank() != 0) return 0;
  const nlohmann::json result{{"version", kVersion},
                              {"processor", bench::processor_name()},
                              {"instruction_set", shard::scan_targets().front()},
                              {"ranks", transport.size()},
                              {"rounds", command.options.rounds},
                              {"quick", command.options.quick},
                              {"load", {load_before, bench::load_average()}},
                              {"rows", to_json(lines)}};
  if (!command.out.empty()) base::write_file(command.out, result.dump(2) + "\n");
  if (command.json)
    std::cout << result.dump() << std::endl;
  else
    print_table(lines);
  return 0;
}

}  // namespace larimar::launch
