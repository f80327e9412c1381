#include "common/model/json_fields.h"

#include <cmath>
#include <sstream>

#include "common/base/file.h"

namespace larimar::model {

using base::FormatError;

namespace {

std::string range(double least, double most) {
  std::ostringstream text;
  text << "a number from " << least << " to " << most;
  return text.str();
}

bool lies_between(const nlohmann::json& value, double least, double most) {
  return value.is_number() && value.get<double>() >= least && value.get<double>() <= most;
}

}  // namespace

JsonFields::JsonFields(const std::filesystem::path& path) : file_(path.string()) {
  try {
    root_ = nlohmann::json::parse(base::read_file(path));
  } catch (const nlohmann::json::parse_error& error) {
    throw FormatError(file_ + " is not JSON at byte " + std::to_string(error.byte));
  }
  if (!root_.is_object()) throw FormatError(file_ + " must hold one JSON object");
}

JsonFields JsonFields::object(const std::string& name) const {
  auto part = get<nlohmann::json>(name);
  if (!part.is_object()) throw FormatError(file_ + ": field \"" + prefix_ + name + "\" is not an object");
  return {file_, prefix_ + name + ".", std::move(part)};
}

std::uint64_t JsonFields::size(const std::string& name, std::uint64_t most) const {
  const auto value = get<nlohmann::json>(name);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() == 0 || value.get<std::uint64_t>() > most) {
    throw FormatError(file_ + ": field \"" + prefix_ + name + "\" is " + value.dump() + ", expected 1 to " +
                      std::to_string(most));
  }
  return value.get<std::uint64_t>();
}

double JsonFields::number(const std::string& name, double least, double most) const {
  const auto value = get<nlohmann::json>(name);
  if (!lies_between(value, least, most)) refuse(name, range(least, most));
  return value.get<double>();
}

std::vector<double> JsonFields::numbers(const std::string& name, std::size_t count, double least, double most) const {
  const auto list = get<nlohmann::json>(name);
  if (!list.is_array() || list.size() != count) refuse(name, "a list of " + std::to_string(count) + " numbers");
  std::vector<double> values;
  for (const auto& value : list) {
    if (!lies_between(value, least, most)) refuse(name, "in each place " + range(least, most));
    values.push_back(value.get<double>());
  }
  return values;
}

std::uint64_t JsonFields::size_or(const std::string& name, std::uint64_t most, std::uint64_t otherwise) const {
  return is_given(name) ? size(name, most) : otherwise;
}

double JsonFields::number_or(const std::string& name, double least, double most, double otherwise) const {
  return is_given(name) ? number(name, least, most) : otherwise;
}

bool JsonFields::flag_or(const std::string& name, bool otherwise) const {
  return is_given(name) ? get<bool>(name) : otherwise;
}

std::string JsonFields::text_or(const std::string& name, const std::string& otherwise) const {
  return is_given(name) ? get<std::string>(name) : otherwise;
}

bool JsonFields::is_given(const std::string& name) const { return has(name) && !root_.at(name).is_null(); }

bool JsonFields::is_null(const std::string& name) const { return has(name) && root_.at(name).is_null(); }

void JsonFields::refuse(const std::string& name, const std::string& expected) const {
  const std::string found = has(name) ? "is " + root_.at(name).dump().substr(0, 100) : "is missing";
  throw FormatError(file_ + ": field \"" + prefix_ + name + "\" " + found + ", expected " + expected);
}

void JsonFields::require_flag(const std::string& name, bool wanted) const {
  if (flag_or(name, wanted) != wanted)
    refuse(name, std::string(wanted ? "true" : "false") + " (anything else is not implemented)");
}

}  // namespace larimar::model
