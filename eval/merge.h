#pragma once
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace larimar::eval {

/// Joins OUT/results.part-*-of-N.jsonl, and results.jsonl where it is there, into results.jsonl; parts stay. A cell that
/// stands in several files is taken once. Returns the number of rows.
/// Throws MissingInputError if there are no parts, ConfigError if parts of different N or of different configurations lie
/// there, or one is missing (named); FormatError as read_results.
std::size_t merge_parts(const std::filesystem::path& out);

/// Row number `row` (from 1) of a results file as it stands there.
/// Throws UsageError if the file has fewer rows, FormatError with line and column if it is no JSON.
[[nodiscard]] nlohmann::json row_of(const std::filesystem::path& results, std::size_t row);

}  // namespace larimar::eval
