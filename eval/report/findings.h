#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "eval/report/cost.h"
#include "eval/report/mean.h"
#include "eval/report/published.h"
#include "eval/report/rows.h"

namespace larimar::eval::report {

using ByDepth = std::map<double, Mean>;
using Grid = std::map<std::uint64_t, ByDepth>;  // by length

/// Everything that figures and tables show. A value; equal inputs give equal findings.
struct Findings {
  std::vector<std::string> systems;                    // of the first folder first, within it by name
  std::vector<Task> tasks;                             // ascending
  std::map<std::pair<std::string, Task>, Grid> grids;  // by system and task
  std::map<std::pair<std::string, std::uint64_t>, std::vector<double>> seconds;  // by system and length, ascending
  std::vector<PublishedRow> published;
  std::vector<Cost> costs;
  std::size_t rows = 0, not_ok = 0, without_score = 0, cut_off = 0;
};

/// All depths together. n == 0 where nothing was measured.
[[nodiscard]] Mean total(const Findings& findings, const std::string& system, const Task& task, std::uint64_t length);

/// Lengths at which any system was measured; with a task: for this task. Ascending.
[[nodiscard]] std::vector<std::uint64_t> lengths_of(const Findings& findings, const Task* task = nullptr);

/// Reads all folders. `published` may be empty.
/// Throws as read_measurements, read_cost and read_published do; UsageError if a folder is named twice; ConfigError
/// if two folders hold the same system, task and length by different configurations, which must not be mixed;
/// MissingInputError if no row is left.
[[nodiscard]] Findings collect(std::span<const Folder> folders, ScoreKind score,
                               const std::filesystem::path& published = {});

/// The value below which a share of the ascending values lies, between two of them in proportion. Needs at least one
/// value.
[[nodiscard]] double quantile(std::span<const double> ascending, double share);

}  // namespace larimar::eval::report
