#include "common/model/config_fields.h"

#include <cmath>
#include <sstream>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::model {
namespace {

using Json = nlohmann::json;

Json parse(const std::filesystem::path& path) {
  try {
    return Json::parse(base::read_file(path));
  } catch (const Json::parse_error& error) {
    throw base::FormatError(path.string() + " is not JSON at byte " + std::to_string(error.byte));
  }
}

std::string brief(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

}  // namespace

ConfigFields::ConfigFields(const std::filesystem::path& path) : ConfigFields(path.string(), parse(path)) {}

ConfigFields::ConfigFields(std::string where, Json root) : where_(std::move(where)), root_(std::move(root)) {
  if (!root_.is_object()) throw base::FormatError(where_ + " must hold one JSON object");
}

bool ConfigFields::has(const std::string& name) const { return root_.contains(name) && !root_.at(name).is_null(); }

bool ConfigFields::is_null(const std::string& name) const { return root_.contains(name) && root_.at(name).is_null(); }

void ConfigFields::refuse(const std::string& name, const std::string& expected) const {
  const std::string found = root_.contains(name) ? "is " + root_.at(name).dump().substr(0, 100) : "is missing";
  throw base::FormatError(where_ + ": field \"" + name + "\" " + found + ", expected " + expected);
}

std::uint64_t ConfigFields::size(const std::string& name, std::uint64_t most) const {
  const std::string expected = "a whole number from 1 to " + std::to_string(most);
  if (!has(name) || !root_.at(name).is_number_unsigned()) refuse(name, expected);
  const auto value = root_.at(name).get<std::uint64_t>();
  if (value == 0 || value > most) refuse(name, expected);
  return value;
}

std::uint64_t ConfigFields::size_or(const std::string& name, std::uint64_t most, std::uint64_t otherwise) const {
  return has(name) ? size(name, most) : otherwise;
}

double ConfigFields::checked_number(const Json& value, const std::string& name, double least, double most) const {
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  if (!(number >= least && number <= most)) refuse(name, "a number from " + brief(least) + " to " + brief(most));
  return number;
}

double ConfigFields::number(const std::string& name, double least, double most) const {
  return checked_number(has(name) ? root_.at(name) : Json(), name, least, most);
}

double ConfigFields::number_or(const std::string& name, double least, double most, double otherwise) const {
  return has(name) ? number(name, least, most) : otherwise;
}

std::vector<double> ConfigFields::numbers(const std::string& name, std::size_t count, double least,
                                          double most) const {
  if (!has(name) || !root_.at(name).is_array() || root_.at(name).size() != count)
    refuse(name, "a list of " + std::to_string(count) + " numbers");
  std::vector<double> values;
  for (const Json& value : root_.at(name)) values.push_back(checked_number(value, name, least, most));
  return values;
}

bool ConfigFields::flag_or(const std::string& name, bool otherwise) const {
  if (!has(name)) return otherwise;
  if (!root_.at(name).is_boolean()) refuse(name, "true or false");
  return root_.at(name).get<bool>();
}

std::string ConfigFields::text(const std::string& name) const {
  if (!has(name) || !root_.at(name).is_string()) refuse(name, "a text");
  return root_.at(name).get<std::string>();
}

std::string ConfigFields::text_or(const std::string& name, const std::string& otherwise) const {
  return has(name) ? text(name) : otherwise;
}

ConfigFields ConfigFields::object(const std::string& name) const {
  if (!has(name) || !root_.at(name).is_object()) refuse(name, "an object");
  return {where_ + ": \"" + name + "\"", root_.at(name)};
}

void ConfigFields::require_flag(const std::string& name, bool wanted) const {
  if (flag_or(name, wanted) != wanted)
    refuse(name, std::string(wanted ? "true" : "false") + " (the other is not implemented)");
}

void ConfigFields::forbid(const std::string& name, const std::string& why) const {
  if (has(name)) refuse(name, "none: " + why);
}

}  // namespace larimar::model
