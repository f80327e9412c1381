#include "eval/merge.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/json_lines.h"
#include "eval/results.h"
#include "eval/runner.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

/// The parts of a folder by number. Throws as merge_parts.
std::map<std::uint64_t, fs::path> list_parts(const fs::path& out) {
  const std::regex form(R"(results\.part-(\d{1,9})-of-(\d{1,9})\.jsonl)");
  std::map<std::uint64_t, fs::path> parts;
  std::set<std::uint64_t> counts;
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(out, failure)) {
    std::smatch match;
    const std::string name = entry.path().filename().string();
    if (!std::regex_match(name, match, form)) continue;
    parts[std::stoull(match[1])] = entry.path();
    counts.insert(std::stoull(match[2]));
  }
  if (failure) throw base::MissingInputError("cannot list " + out.string() + ": " + failure.message());
  if (parts.empty()) throw base::MissingInputError(out.string() + " holds no results.part-I-of-N.jsonl");
  if (counts.size() > 1)
    throw base::ConfigError(out.string() + " holds parts of " + std::to_string(*counts.begin()) + " and of " +
                            std::to_string(*counts.rbegin()) + "; keep one set");
  for (std::uint64_t i = 1; i <= *counts.begin(); ++i) {
    if (!parts.contains(i))
      throw base::ConfigError(out.string() + " lacks part " + std::to_string(i) + " of " +
                              std::to_string(*counts.begin()) + "; run it first");
  }
  return parts;
}

}  // namespace

std::size_t merge_parts(const fs::path& out) {
  std::vector<fs::path> files;
  for (const auto& [number, path] : list_parts(out)) files.push_back(path);
  const fs::path merged = out / "results.jsonl";
  if (fs::exists(merged)) files.insert(files.begin(), merged);
  std::string run, text;
  std::set<std::string> cells;
  for (const fs::path& file : files) {
    if (fs::file_size(file) == 0) continue;  // fewer trials than parts
    (void)read_results(file);                // names a line that is no row
    for_each_object(file, [&](const json& row, std::size_t) {
      const std::string of = row.at("larimar").value("run", "");
      if (run.empty()) run = of;
      if (of != run)
        throw base::ConfigError(file.string() + " has rows of another configuration than " + files.front().string());
      if (cells.insert(row["larimar"]["cell"].get<std::string>()).second) text += row.dump() + "\n";
    });
  }
  base::write_file(merged, text);
  return cells.size();
}

json row_of(const fs::path& results, std::size_t row) {
  json found;
  std::size_t count = 0;
  for_each_object(results, [&](const json& object, std::size_t) {
    if (++count == row) found = object;
  });
  if (found.is_null())
    throw base::UsageError(results.string() + " has " + std::to_string(count) + " rows; row " + std::to_string(row) +
                           " is none of them");
  return found;
}

}  // namespace larimar::eval
