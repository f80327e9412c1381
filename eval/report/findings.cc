#include "eval/report/findings.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <system_error>
#include <tuple>

#include "common/base/error.h"

namespace larimar::eval::report {
namespace fs = std::filesystem;
namespace {

/// Which run a system's numbers for a task and length come from, and by which folder.
class Origins {
 public:
  void check(const Measurement& row, const fs::path& folder) {
    if (row.run.empty()) return;
    const auto [known, is_new] = known_.try_emplace({row.system, row.task, row.length}, row.run, folder);
    if (is_new || known->second.first == row.run) return;
    throw base::ConfigError(
        known->second.second.string() + " and " + folder.string() + " both hold " + row.system + ", " +
        row.task.label() + " at " + std::to_string(row.length) +
        " tokens, made with different configurations; give one of them a name: NAME=" + folder.string());
  }

 private:
  std::map<std::tuple<std::string, Task, std::uint64_t>, std::pair<std::string, fs::path>> known_;
};

void refuse_twins(std::span<const Folder> folders) {
  std::set<fs::path> seen;
  for (const Folder& folder : folders) {
    std::error_code failure;  // a folder that is not there is named when it is read
    if (!seen.insert(fs::weakly_canonical(folder.path, failure)).second)
      throw base::UsageError("the folder " + folder.path.string() + " is named twice; its rows would count twice");
  }
}

void add_systems(const std::set<std::string>& of_folder, std::vector<std::string>& systems) {
  for (const std::string& system : of_folder) {
    if (std::ranges::find(systems, system) == systems.end()) systems.push_back(system);
  }
}

void add_folder(const Folder& folder, ScoreKind score, Origins& origins, std::set<Task>& tasks, Findings& findings) {
  const Measurements read = read_measurements(folder, score);
  std::set<std::string> systems;
  for (const Measurement& row : read.rows) {
    origins.check(row, folder.path);
    systems.insert(row.system);
    tasks.insert(row.task);
    findings.grids[{row.system, row.task}][row.length][row.depth].add(row.score);
    findings.seconds[{row.system, row.length}].push_back(row.seconds);
  }
  add_systems(systems, findings.systems);
  findings.rows += read.rows.size();
  findings.not_ok += read.not_ok;
  findings.without_score += read.without_score;
  findings.cut_off += read.cut_off;
  if (auto cost = read_cost(folder.path, read.system)) findings.costs.push_back(std::move(*cost));
}

}  // namespace

Mean total(const Findings& findings, const std::string& system, const Task& task, std::uint64_t length) {
  Mean mean;
  const auto grid = findings.grids.find({system, task});
  if (grid == findings.grids.end()) return mean;
  const auto column = grid->second.find(length);
  if (column == grid->second.end()) return mean;
  for (const auto& [depth, cell] : column->second) mean.add(cell);
  return mean;
}

std::vector<std::uint64_t> lengths_of(const Findings& findings, const Task* task) {
  std::set<std::uint64_t> lengths;
  for (const auto& [key, grid] : findings.grids) {
    if (task != nullptr && key.second != *task) continue;
    for (const auto& [length, column] : grid) lengths.insert(length);
  }
  return {lengths.begin(), lengths.end()};
}

Findings collect(std::span<const Folder> folders, ScoreKind score, const fs::path& published) {
  refuse_twins(folders);
  Findings findings;
  if (!published.empty()) findings.published = read_published(published);
  Origins origins;
  std::set<Task> tasks;
  for (const Folder& folder : folders) add_folder(folder, score, origins, tasks, findings);
  if (findings.rows == 0)
    throw base::MissingInputError("there is nothing to show: " + std::to_string(findings.not_ok) +
                                  " rows did not end well and " + std::to_string(findings.without_score) +
                                  " have no such score; run larimar eval first, or choose another --score");
  findings.tasks.assign(tasks.begin(), tasks.end());
  for (auto& entry : findings.seconds) std::ranges::sort(entry.second);
  std::ranges::stable_sort(findings.costs, {}, [](const Cost& cost) { return std::tie(cost.system, cost.tokens); });
  return findings;
}

double quantile(std::span<const double> ascending, double share) {
  const double place = share * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return ascending[below] + (ascending[above] - ascending[below]) * (place - static_cast<double>(below));
}

}  // namespace larimar::eval::report
