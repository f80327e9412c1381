#include "eval/report/published.h"

#include "common/base/file.h"
#include "eval/report/fields.h"

namespace larimar::eval::report {
namespace {

using nlohmann::json;

PublishedRow row_of(const json& record) {
  if (!record.is_object()) throw base::FormatError("it is not a JSON object");
  for (const auto& field : record.items()) {
    const std::string& name = field.key();
    if (name != "system" && name != "task" && name != "length" && name != "value" && name != "source")
      throw base::FormatError("the field \"" + name + "\" is unknown; known are system, task, length, value, source");
  }
  return {text_field(record, "system"), text_field(record, "task"),
          static_cast<std::uint64_t>(number_field(record, "length", 1, 1e15)), number_field(record, "value", 0, 1),
          text_field(record, "source")};
}

}  // namespace

std::vector<PublishedRow> read_published(const std::filesystem::path& file) {
  const std::string text = base::read_file(file);
  json list;
  try {
    list = json::parse(text);
  } catch (const json::parse_error& error) {
    // nlohmann's sentence begins with "parse error at line L, column C"; its number in brackets is of no use to a
    // reader.
    const std::string said = error.what();
    throw base::FormatError(file.string() + ": " + said.substr(said.find(']') + 2));
  }
  if (!list.is_array()) throw base::FormatError(file.string() + " is not a JSON list of published rows");
  std::vector<PublishedRow> rows;
  for (const json& record : list) {
    try {
      rows.push_back(row_of(record));
    } catch (const base::FormatError& error) {
      throw base::FormatError(file.string() + ", record " + std::to_string(rows.size() + 1) + ": " + error.what());
    }
  }
  return rows;
}

}  // namespace larimar::eval::report
