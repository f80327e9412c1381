#include "eval/json_lines.h"

#include <algorithm>
#include <sstream>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::eval {
namespace {

using nlohmann::json;

json parse_line(const std::string& line) {
  try {
    return json::parse(line);
  } catch (const json::parse_error& error) {
    // The byte after what was read last, from 1; at the end of the line it lies behind it.
    const std::size_t column = std::min(std::max<std::size_t>(error.byte, 1), line.size() + 1);
    throw base::FormatError("column " + std::to_string(column) + ": the line is not JSON from here on");
  }
}

}  // namespace

void for_each_object(const std::filesystem::path& file, const std::function<void(const json&, std::size_t)>& use) {
  std::istringstream lines(base::read_file(file));
  std::size_t number = 0, used = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    ++used;
    try {
      const json object = parse_line(line);
      if (!object.is_object()) throw base::FormatError("column 1: the line is not a JSON object");
      use(object, number);
    } catch (const base::FormatError& error) {
      throw base::FormatError(file.string() + ", line " + std::to_string(number) + ", " + error.what());
    }
  }
  if (used == 0) throw base::MissingInputError(file.string() + " holds no line");
}

std::string text_field(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string())
    throw base::FormatError(std::string("the field \"") + name + "\" must be there as a text");
  return found->get<std::string>();
}

std::vector<std::string> texts_field(const json& object, const char* name) {
  const auto found = object.find(name);
  std::vector<std::string> texts;
  const auto add = [&](const json& item) {
    if (item.is_string()) texts.push_back(item.get<std::string>());
    if (item.is_number()) texts.push_back(item.dump());
  };
  if (found != object.end() && found->is_array()) {
    for (const json& item : *found) add(item);
  } else if (found != object.end()) {
    add(*found);
  }
  if (texts.empty()) throw base::FormatError(std::string("the field \"") + name + "\" must be there as texts");
  return texts;
}

}  // namespace larimar::eval
