#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>
#include <vector>

#include "eval/row.h"

namespace larimar::eval {

/// Every row of a results file. A last line without its newline was cut off by a crash and is left out.
/// Throws MissingInputError if the file is absent, FormatError naming file, line and field if a line is no row.
[[nodiscard]] std::vector<Row> read_results(const std::filesystem::path& file);

/// Checks a folder's results.jsonl: every line is a row, complete, there once, and of manifest.json's configuration.
/// Returns their number. Throws as read_results; FormatError naming file and line.
[[nodiscard]] std::size_t validate_results(const std::filesystem::path& folder);

/// Throws ConfigError if a folder with rows has the manifest of another configuration; changes nothing.
void check_manifest(const std::filesystem::path& folder, const nlohmann::json& configuration);

/// "1f3c...": what every row of a configuration carries.
[[nodiscard]] std::string fingerprint(const nlohmann::json& configuration);

/// The rows of an output folder, results.jsonl, and what made them, manifest.json. Every row carries the fingerprint of
/// that configuration, so that a row cannot pass for another run's. Owns the open file; one process at a time; not
/// shared between threads.
class ResultLog {
 public:
  /// Opens the folder, or makes it. `configuration` holds what decides a row's value beside its cell (haystack, model,
  /// tokenizer, ...), not the list of cells, so that a later run may add some. A line that a crash cut off is removed.
  /// Throws ConfigError naming the fields that differ if the folder has results of another configuration, FormatError
  /// if a line is no row, Error(kCannotCreate) if nothing can be written there.
  /// `name` is that of the rows' file; rows in results.jsonl count as written too, where that is another one.
  ResultLog(const std::filesystem::path& folder, const nlohmann::json& configuration,
            const std::string& name = "results.jsonl");

  [[nodiscard]] bool has(const std::string& cell) const { return cells_.contains(cell); }
  [[nodiscard]] std::size_t size() const { return cells_.size(); }

  /// Writes one line and flushes it. Throws IoError if that fails.
  void append(const Row& row);

 private:
  void read_back(const std::filesystem::path& file);

  std::filesystem::path file_;
  std::string run_;
  std::unordered_set<std::string> cells_;
  std::ofstream stream_;
};

}  // namespace larimar::eval
