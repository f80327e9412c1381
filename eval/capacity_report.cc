#include "eval/capacity_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "common/base/file.h"

namespace larimar::eval {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const CapacityRow& row) {
  return {{"source", row.source},        {"keys", row.keys},        {"memory", row.memory},
          {"slots", row.slots},          {"facts", row.facts},      {"asked", row.asked},
          {"measure", row.measure},      {"n", row.recall.n},       {"hits", row.recall.hits},
          {"value", row.recall.value()}, {"low", row.recall.low()}, {"high", row.recall.high()},
          {"status", row.status},        {"note", row.note}};
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char letter : text) result += letter == '"' ? "\"\"" : std::string(1, letter);
  return result + "\"";
}

}  // namespace

std::string capacity_csv(std::span<const CapacityRow> rows) {
  std::ostringstream csv;
  const auto write_line = [&](const ordered_json& object, const auto& cell) {
    const char* comma = "";
    for (const auto& [name, value] : object.items()) {
      csv << comma << cell(name, value);
      comma = ",";
    }
    csv << '\n';
  };
  write_line(to_json(CapacityRow{}), [](const std::string& name, const ordered_json&) { return name; });
  for (const CapacityRow& row : rows) {
    write_line(to_json(row), [](const std::string&, const ordered_json& value) {
      return value.is_string() ? quoted(value.get<std::string>()) : value.dump();
    });
  }
  return csv.str();
}

ordered_json capacity_json(std::span<const CapacityRow> rows, const CapacityOptions& options) {
  ordered_json result{{"seed", options.seed},
                      {"trials", options.trials},
                      {"recall_cosine", kRecallCosine},
                      {"exact_error", kExactError},
                      {"rows", ordered_json::array()}};
  for (const CapacityRow& row : rows) result["rows"].push_back(to_json(row));
  return result;
}

void write_capacity(const std::filesystem::path& out, std::span<const CapacityRow> rows,
                    const CapacityOptions& options) {
  base::make_folder(out);
  base::write_file(out / "capacity.csv", capacity_csv(rows));
  base::write_file(out / "capacity.json", capacity_json(rows, options).dump(1) + "\n");
  std::set<std::string> sources;
  for (const CapacityRow& row : rows) sources.insert(row.source);
  for (const std::string& source : sources)
    base::write_file(out / ("capacity-" + source + ".svg"), draw_capacity(rows, source));
}

}  // namespace larimar::eval
