#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "eval/row.h"
#include "eval/score.h"

namespace larimar::eval {

/// Recall of the rows that share system, kind, digits, length, key mode and form; in a cell the depth as well.
struct SummaryGroup {
  std::string system;
  std::string kind;
  int digits = 0;
  std::uint64_t context_length = 0;  // as asked for
  std::uint64_t context_tokens = 0;  // as it was, of the first row
  std::string key_mode;
  std::string form;
  double depth = 0;  // percent asked for; of cells only
  double score = 0;  // mean of the rows' scores: where several strings are expected, a part of them counts
  Recall retrieval_first;
  Recall retrieval_any;
  Recall wording;
  Recall wording_any;
};

enum class SummaryBy { kGroup, kCell };

/// In ascending order of system, kind, digits, length, key mode, form and, by cells, depth. Local; cost linear in the rows,
/// times log groups.
[[nodiscard]] std::vector<SummaryGroup> summarize(std::span<const Row> rows, SummaryBy by = SummaryBy::kGroup);

/// [{system, kind, digits, context_length, context_tokens, key_mode, form, depth_percent (of cells), n, score,
///   retrieval_first: {hits, recall, low, high}, retrieval_any, wording, wording_any}]; 95 % intervals.
[[nodiscard]] nlohmann::ordered_json to_json(std::span<const SummaryGroup> groups, SummaryBy by = SummaryBy::kGroup);

/// A Markdown table with a line for each group: recall, hits and interval.
[[nodiscard]] std::string to_markdown(std::span<const SummaryGroup> groups);

/// Reads OUT/results.jsonl and writes OUT/summary.json, {"groups", "cells"}. Returns the groups. Throws as read_results and write_file do.
std::vector<SummaryGroup> write_summary(const std::filesystem::path& out);

}  // namespace larimar::eval
