#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace larimar::eval::report {

/// A number that others published. It was not measured here, and the report says so wherever it stands.
struct PublishedRow {
  std::string system;
  std::string task;  // as Task::label writes it, so that it stands beside ours; any other text gets a line of its own
  std::uint64_t length = 0;
  double value = 0;
  std::string source;
};

/// Reads a JSON list of {"system", "task", "length", "value", "source"}.
/// Throws MissingInputError if the file is absent; FormatError naming file, record and field, or line and column.
[[nodiscard]] std::vector<PublishedRow> read_published(const std::filesystem::path& file);

}  // namespace larimar::eval::report
