#include "eval/results.h"

#include <array>
#include <cstdio>
#include <string_view>
#include <system_error>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/haystack.h"
#include "eval/random.h"

namespace larimar::eval {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

std::string place(const fs::path& file, std::size_t line) {
  return file.string() + ", line " + std::to_string(line) + ": ";
}

/// Calls use(object, line number) for each complete line.
template <class Use>
void for_each_line(const fs::path& file, std::string_view text, Use use) {
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return;
    ++number;
    const json object = json::parse(text.substr(begin, end - begin), nullptr, false);
    if (!object.is_object())
      throw base::FormatError(place(file, number) + "the line is not a JSON object; remove it or use another folder");
    use(object, number);
    begin = end + 1;
  }
}

Row row_at(const fs::path& file, const json& object, std::size_t line) {
  try {
    return read_row(object);
  } catch (const base::FormatError& error) {
    throw base::FormatError(place(file, line) + error.what());
  }
}

std::string shortened(const json* value) {
  const std::string text = value == nullptr ? "nothing" : value->dump();
  return text.size() <= 80 ? text : text.substr(0, 77) + "...";
}

/// "haystack ("a" there, "b" now), model (...)".
std::string differences(const json& there, const json& now) {
  json names = there;
  names.update(now);
  std::string text;
  for (const auto& entry : names.items()) {
    const auto old_value = there.find(entry.key());
    const auto new_value = now.find(entry.key());
    const json* a = old_value == there.end() ? nullptr : &*old_value;
    const json* b = new_value == now.end() ? nullptr : &*new_value;
    if (a != nullptr && b != nullptr && *a == *b) continue;
    text += (text.empty() ? "" : ", ") + entry.key() + " (" + shortened(a) + " there, " + shortened(b) + " now)";
  }
  return text;
}

}  // namespace

std::string fingerprint(const json& configuration) {
  std::array<char, 17> text{};
  std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash_text(configuration.dump())));
  return text.data();
}

namespace {

// A run that was refused before its first row leaves a manifest that binds nobody.
bool has_rows(const fs::path& folder) {
  std::error_code failure;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, failure)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("results.") && name.ends_with(".jsonl") && entry.file_size(failure) > 0) return true;
  }
  return false;
}

}  // namespace

void check_manifest(const fs::path& folder, const json& configuration) {
  const fs::path file = folder / "manifest.json";
  if (!fs::exists(file)) return;
  const json manifest = json::parse(base::read_file(file), nullptr, false);
  if (!manifest.is_object()) throw base::FormatError(file.string() + " is not a JSON object; use another folder");
  if (manifest == configuration || !has_rows(folder)) return;
  throw base::ConfigError(folder.string() + " has results of another configuration: " +
                          differences(manifest, configuration) + "; use another folder");
}

std::vector<Row> read_results(const fs::path& file) {
  const base::MappedFile mapped(file);
  std::vector<Row> rows;
  for_each_line(file, mapped.text(),
                [&](const json& object, std::size_t line) { rows.push_back(row_at(file, object, line)); });
  return rows;
}

std::size_t validate_results(const fs::path& folder) {
  const fs::path file = folder / "results.jsonl", manifest_file = folder / "manifest.json";
  const std::vector<Row> rows = read_results(file);
  const json manifest = json::parse(base::read_file(manifest_file), nullptr, false);
  if (!manifest.is_object()) throw base::FormatError(manifest_file.string() + " is not a JSON object");
  const std::string run = fingerprint(manifest);
  std::unordered_set<std::string> cells;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].run != run)
      throw base::FormatError(place(file, i + 1) + "the row was made with another configuration than manifest.json's");
    if (!cells.insert(rows[i].cell).second)
      throw base::FormatError(place(file, i + 1) + "the cell " + rows[i].cell + " is there twice");
  }
  if (const std::string text = base::read_file(file); !text.empty() && text.back() != '\n')
    throw base::FormatError(place(file, rows.size() + 1) + "the line is cut off; the same evaluation again repairs it");
  return rows.size();
}

ResultLog::ResultLog(const fs::path& folder, const json& configuration, const std::string& name)
    : file_(folder / name), run_(fingerprint(configuration)) {
  base::make_folder(folder);
  check_manifest(folder, configuration);
  if (fs::exists(file_)) read_back(file_);
  const fs::path merged = folder / "results.jsonl";
  if (merged != file_ && fs::exists(merged)) read_back(merged);
  write_if_changed(folder / "manifest.json", configuration.dump(2) + "\n");
  stream_.open(file_, std::ios::binary | std::ios::app);
  if (!stream_) throw base::Error(base::ExitCode::kCannotCreate, "cannot open " + file_.string() + " for writing");
}

void ResultLog::read_back(const fs::path& file) {
  const std::string text = base::read_file(file);
  for_each_line(file, text, [&](const json& object, std::size_t line) {
    const Row row = row_at(file, object, line);
    if (object["larimar"].value("run", "") != run_) {
      throw base::ConfigError(place(file, line) + "the row was made with another configuration; use another folder");
    }
    cells_.insert(row.cell);
  });
  if (file != file_) return;
  const std::size_t complete = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  std::error_code failure;
  if (complete < text.size()) fs::resize_file(file_, complete, failure);
  if (failure)
    throw base::IoError("cannot remove the cut-off last line of " + file_.string() + ": " + failure.message());
}

void ResultLog::append(const Row& row) {
  // Text from a model may hold broken UTF-8: it is replaced, so that every line stays JSON.
  stream_ << to_json(row, run_).dump(-1, ' ', false, json::error_handler_t::replace) << '\n' << std::flush;
  if (!stream_) throw base::IoError("cannot write to " + file_.string() + "; is the disk full?");
  cells_.insert(row.cell);
}

}  // namespace larimar::eval
