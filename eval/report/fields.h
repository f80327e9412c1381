#pragma once
// Fields of JSON objects that others wrote, with errors that say which one is wrong and what was expected.
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/error.h"
#include "common/base/svg.h"

namespace larimar::eval::report {

/// The field, if it is there and not null, or nullptr.
[[nodiscard]] inline const nlohmann::json* find_field(const nlohmann::json& object, const std::string& name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

/// A number from `low` to `high`. Throws FormatError naming the field.
[[nodiscard]] inline double number_field(const nlohmann::json& object, const std::string& name, double low,
                                         double high) {
  const nlohmann::json* field = find_field(object, name);
  if (field == nullptr) throw base::FormatError("the field \"" + name + "\" is missing");
  if (!field->is_number()) throw base::FormatError("the field \"" + name + "\" is not a number");
  const double value = field->get<double>();
  if (!(value >= low && value <= high))
    throw base::FormatError("the field \"" + name + "\" is " + base::svg_format("%g", value) + ", expected " +
                            base::svg_format("%g to %g", low, high));
  return value;
}

/// A text. Throws FormatError naming the field.
[[nodiscard]] inline std::string text_field(const nlohmann::json& object, const std::string& name) {
  const nlohmann::json* field = find_field(object, name);
  if (field == nullptr) throw base::FormatError("the field \"" + name + "\" is missing");
  if (!field->is_string()) throw base::FormatError("the field \"" + name + "\" is not a text");
  return field->get<std::string>();
}

/// An object. Throws FormatError naming the field.
[[nodiscard]] inline const nlohmann::json& object_field(const nlohmann::json& object, const std::string& name) {
  const nlohmann::json* field = find_field(object, name);
  if (field == nullptr) throw base::FormatError("the field \"" + name + "\" is missing");
  if (!field->is_object()) throw base::FormatError("the field \"" + name + "\" is not an object");
  return *field;
}

}  // namespace larimar::eval::report
