#include <algorithm>
#include <iostream>
#include <optional>
#include <set>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/progress.h"
#include "common/linalg/blas.h"
#include "common/model/runtime.h"
#include "eval/capacity.h"
#include "eval/capacity_report.h"
#include "launch/commands.h"
#include "launch/networks.h"

namespace larimar::launch {
namespace {

using linalg::Index;

std::vector<Index> counts_of(const std::vector<std::uint64_t>& values, const char* option) {
  std::set<Index> counts;
  for (const std::uint64_t value : values) {
    if (value < 1 || value > (std::uint64_t{1} << 20))
      throw base::UsageError(std::string(option) + " takes numbers from 1 to 1048576, not " + std::to_string(value));
    counts.insert(static_cast<Index>(value));
  }
  if (counts.empty()) throw base::UsageError(std::string(option) + " is empty; give at least one number");
  return {counts.begin(), counts.end()};
}

eval::CapacityOptions options_of(const CapacityCommand& command) {
  eval::CapacityOptions options;
  options.slots = counts_of(command.slots, "--slots");
  options.facts = counts_of(command.facts_counts, "--facts-counts");
  options.seed = command.seed;
  if (!command.quick) return options;
  options.slots = {16, 32};
  options.facts = {8, 16, 32, 64};
  options.trials = 8;
  return options;
}

/// Reads each file once before networks are loaded, so that a bad one is named within a second.
void check_sources(const CapacityCommand& command) {
  std::set<std::string> names{"random"};
  for (const auto& file : command.facts) {
    const eval::FactList list = eval::read_facts(file);
    if (list.left_out > 0)
      base::log(base::LogLevel::kInfo, file.string() + ": " + std::to_string(list.left_out) + " of " +
                                           std::to_string(list.facts.size() + list.left_out) +
                                           " records left out, since a text is empty or came before");
    if (!names.insert(file.stem().string()).second)
      throw base::UsageError("two sources of facts are called " + file.stem().string() + "; rename one of the files");
  }
}

/// What the files' facts need; loaded only if there are any.
class FileFacts {
 public:
  FileFacts(const CapacityCommand& command, const eval::CapacityOptions& options) {
    const JobSetup setup = resolve(command.setup);
    encoding_.code_keys = has_keys(command, "code");
    encoding_.facts = static_cast<std::size_t>(options.facts.back());
    encoding_.seed = options.seed;
    if (command.quick) encoding_.decoded = encoding_.rephrasings = 8;
    networks_ = load_networks(setup, {.codes = true, .keys = has_keys(command, "sentence"), .decoder = true});
    encoding_.sentences = networks_.keys.get();
  }
  [[nodiscard]] eval::FactSet encode(const std::filesystem::path& file) const {
    return eval::encode_facts(file, {*networks_.codes, *networks_.decoder, *networks_.tokenizer}, encoding_);
  }
  [[nodiscard]] model::CodeDecoder* decoder() const { return networks_.decoder.get(); }

 private:
  static bool has_keys(const CapacityCommand& command, const std::string& name) {
    return std::ranges::find(command.fact_keys, name) != command.fact_keys.end();
  }
  Networks networks_;
  eval::FactEncoding encoding_;
};

std::vector<eval::CapacityRow> measure(const eval::FactSet& set, const eval::CapacityOptions& options,
                                       model::CodeDecoder* decoder) {
  base::Progress progress(set.source, eval::count_cells(options, set.keys.size()), "cells");
  auto rows = eval::measure_capacity(set, options, decoder, [&](std::uint64_t done) { progress.set(done); });
  progress.finish();
  return rows;
}

}  // namespace

int eval_capacity_command(const CapacityCommand& command) {
  const eval::CapacityOptions options = options_of(command);
  check_sources(command);
  base::make_folder(command.out);
  model::set_threads(command.setup.threads);
  linalg::set_blas_threads(command.setup.threads);
  std::optional<FileFacts> files;
  if (!command.facts.empty()) files.emplace(command, options);
  const Index code_size = command.quick ? 64 : 768;  // that of larimar-compact
  std::vector<eval::CapacityRow> rows =
      measure(eval::random_facts(options.facts.back(), code_size, options.seed), options, nullptr);
  for (const auto& file : command.facts) {
    for (eval::CapacityRow& row : measure(files->encode(file), options, files->decoder()))
      rows.push_back(std::move(row));
  }
  eval::write_capacity(command.out, rows, options);
  std::cout << rows.size() << " rows in " << (command.out / "capacity.csv").string() << ", also capacity.json and a "
            << "capacity-SOURCE.svg for each source\n";
  return 0;
}

}  // namespace larimar::launch
