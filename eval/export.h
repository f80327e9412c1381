#pragma once
#include <cstddef>
#include <filesystem>
#include <string>

namespace larimar::eval {

/// Writes the rows of OUT/results.jsonl in another harness' layout under `target`. Formats:
///   csv            results.csv: a line for each row
///   ruler          LENGTH/pred/KIND.jsonl: index, input, outputs, pred, others, length; LENGTH/pred/summary.csv: Tasks, Score, Nulls
///   infinitebench  KIND.jsonl: id, prediction, ground_truth
///   longbench      KIND.jsonl: _id, input, answers, length, dataset, pred
///   niah1          one JSON file for each row: model, context_length, depth_percent, version, needle, model_response, score (1
///                  to 10), test_duration_seconds, test_timestamp_utc
/// Returns the number of rows. Throws UsageError for another format, FormatError and MissingInputError as for_each_object and
/// read_row.
std::size_t export_results(const std::filesystem::path& out, const std::string& format,
                           const std::filesystem::path& target);

}  // namespace larimar::eval
