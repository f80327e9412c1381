#pragma once
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "eval/capacity.h"

namespace larimar::eval {

/// One line for each row, below a line of names; fields as in to_json. Texts with commas, quotes or newlines are quoted (RFC 4180).
[[nodiscard]] std::string capacity_csv(std::span<const CapacityRow> rows);

/// {seed, trials, recall_cosine, exact_error, rows: [{source, keys, memory, slots, facts, asked, measure, n, hits, value, low,
/// high, status, note}]}; 95 % intervals.
[[nodiscard]] nlohmann::ordered_json capacity_json(std::span<const CapacityRow> rows, const CapacityOptions& options);

/// Recall over N, logarithmic, for the rows of one source: a panel for each kind of memory, a line for each K. Solid lines are
/// `recalled` by written keys; dashed ones `decoded` where that was measured, otherwise `exact`. Stored keys stand in all panels.
/// The same rows give the same bytes.
[[nodiscard]] std::string draw_capacity(std::span<const CapacityRow> rows, const std::string& source);

/// Writes OUT/capacity.csv, capacity.json and a capacity-<source>.svg for each source. Throws as base::write_file.
void write_capacity(const std::filesystem::path& out, std::span<const CapacityRow> rows,
                    const CapacityOptions& options);

}  // namespace larimar::eval
