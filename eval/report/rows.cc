#include "eval/report/rows.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "common/base/error.h"
#include "common/base/file.h"
#include "eval/report/fields.h"

namespace larimar::eval::report {
namespace {

using nlohmann::json;

constexpr double kMostTokens = 1e15;  // whole numbers up to here are exact as double

std::string text_or(const json& object, const std::string& name, const std::string& usual) {
  return find_field(object, name) == nullptr ? usual : text_field(object, name);
}

std::uint64_t length_of(const json& row) {
  const auto asked = static_cast<std::uint64_t>(number_field(row, "context_length", 0, kMostTokens));
  if (asked > 0) return asked;
  return static_cast<std::uint64_t>(
      number_field(object_field(row, "recipe"), "final_context_token_count", 1, kMostTokens));
}

/// Nothing where the score does not apply to the row's system: the detail is there and null.
std::optional<double> score_of(const json& row, ScoreKind kind) {
  const json& score = object_field(row, "score");
  if (kind == ScoreKind::kValue) return number_field(score, "value", 0, 1);
  const std::string name = kind == ScoreKind::kRetrieval ? "retrieval_first" : "wording";
  const json& details = object_field(score, "details");
  const auto found = details.find(name);
  if (found == details.end()) throw base::FormatError("the field \"" + name + "\" is missing");
  if (found->is_null()) return std::nullopt;
  if (found->is_boolean()) return found->get<bool>() ? 1.0 : 0.0;
  return number_field(details, name, 0, 1);
}

std::string system_of(const json& own) { return text_or(own, "system", "larimar"); }

Task task_of(const json& row, const json& own) {
  Task task{text_or(own, "kind", text_field(row, "task_type")), 0, text_or(own, "form", "")};
  std::ranges::replace(task.kind, '_', ' ');
  if (find_field(own, "digits") != nullptr)
    task.digits = static_cast<std::int64_t>(number_field(own, "digits", 0, 1e6));
  if (task.form == "prefix") task.form.clear();
  return task;
}

Measurement measurement_of(const json& row, const json& own, const Folder& folder) {
  Measurement one;
  one.system = folder.name.empty() ? system_of(own) : folder.name;
  if (const std::string keys = text_or(own, "key_mode", ""); !keys.empty()) one.system += ", " + keys + " keys";
  one.task = task_of(row, own);
  one.run = text_or(own, "run", "");
  one.length = length_of(row);
  one.depth = number_field(row, "target_depth_percent", 0, 100);
  one.seconds = number_field(row, "duration_seconds", 0, 1e12);
  return one;
}

void add_row(const json& row, const Folder& folder, ScoreKind score, Measurements& into) {
  if (!row.is_object()) throw base::FormatError("the line is not a JSON object; remove it or write the row again");
  if (text_or(row, "status", "ok") != "ok") {
    ++into.not_ok;
    return;
  }
  const json own = find_field(row, "larimar") == nullptr ? json::object() : object_field(row, "larimar");
  Measurement one = measurement_of(row, own, folder);
  const std::optional<double> value = score_of(row, score);
  if (into.rows.empty()) into.system = folder.name.empty() ? system_of(own) : folder.name;
  if (!value.has_value()) {
    ++into.without_score;
    return;
  }
  one.score = *value;
  into.rows.push_back(std::move(one));
}

}  // namespace

ScoreKind parse_score_kind(const std::string& name) {
  if (name == "value") return ScoreKind::kValue;
  if (name == "retrieval") return ScoreKind::kRetrieval;
  if (name == "wording") return ScoreKind::kWording;
  throw base::UsageError("\"" + name + "\" is not a score; use value, retrieval or wording");
}

std::string Task::label() const {
  std::string text = kind;
  if (digits > 0) text += " " + std::to_string(digits) + (digits == 1 ? " digit" : " digits");
  return form.empty() ? text : text + ", by " + form;
}

Measurements read_measurements(const Folder& folder, ScoreKind score) {
  const base::MappedFile file(folder.path / "results.jsonl");
  const std::string_view text = file.text();
  Measurements result;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = text.find('\n', begin), end = std::min(newline, text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string place = file.path().string() + ", line " + std::to_string(number) + ": ";
    try {
      add_row(json::parse(line), folder, score, result);
    } catch (const json::parse_error& error) {
      if (newline != std::string_view::npos)
        throw base::FormatError(place + "column " + std::to_string(error.byte) +
                                " is not JSON; remove the line or write the row again");
      ++result.cut_off;
    } catch (const base::FormatError& error) {
      throw base::FormatError(place + error.what());
    }
  }
  return result;
}

}  // namespace larimar::eval::report
