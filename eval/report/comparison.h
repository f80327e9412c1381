#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "eval/report/findings.h"

namespace larimar::eval::report {

/// The systems of published rows, each once, in the order of their file.
[[nodiscard]] std::vector<std::string> published_systems(const Findings& findings);

/// The number of a system's look in all figures: measured systems first, published ones behind them.
[[nodiscard]] std::size_t look_of(const Findings& findings, const std::string& system, bool published);

/// Labels of all tasks, measured ones first, then those that only published rows name.
[[nodiscard]] std::vector<std::string> all_task_labels(const Findings& findings);

/// Every system at one length: for each task a line from 0 to 1 with a mark and its interval for each system, the
/// drawing alone. Published values of just that length stand among them, hollow. Needs a length of
/// lengths_of(findings).
[[nodiscard]] std::string draw_comparison(const Findings& findings, std::uint64_t length);

}  // namespace larimar::eval::report
