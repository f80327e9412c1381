#include "common/text/json_part.h"

#include "common/base/error.h"

namespace larimar::text {

using nlohmann::json;

std::string JsonPart::name_of(const std::string& field) const { return name_.empty() ? field : name_ + "." + field; }

void JsonPart::refuse(const std::string& problem) const {
  throw base::FormatError(file_ + ": " + (name_.empty() ? "the whole" : name_) + " " + problem);
}

bool JsonPart::has(const std::string& field) const {
  if (!value_->is_object()) refuse("is not an object");
  const auto found = value_->find(field);
  return found != value_->end() && !found->is_null();
}

JsonPart JsonPart::at(const std::string& field) const {
  if (!value_->is_object()) refuse("is not an object");
  const auto found = value_->find(field);
  if (found == value_->end()) throw base::FormatError(file_ + ": the field \"" + name_of(field) + "\" is missing");
  return {*found, file_, name_of(field)};
}

std::vector<JsonPart> JsonPart::items() const {
  if (!value_->is_array()) refuse("is not an array");
  std::vector<JsonPart> items;
  items.reserve(value_->size());
  for (std::size_t i = 0; i < value_->size(); ++i)
    items.emplace_back((*value_)[i], file_, name_ + "[" + std::to_string(i) + "]");
  return items;
}

const std::string& JsonPart::text() const {
  if (!value_->is_string()) refuse("is not a text");
  return value_->get_ref<const std::string&>();
}

bool JsonPart::flag() const {
  if (!value_->is_boolean()) refuse("is neither true nor false");
  return value_->get<bool>();
}

std::uint64_t JsonPart::count() const {
  if (!value_->is_number_integer() || *value_ < 0) refuse("is not a whole number of 0 or more");
  return value_->get<std::uint64_t>();
}

std::string JsonPart::text_or(const std::string& field, const std::string& otherwise) const {
  return has(field) ? at(field).text() : otherwise;
}

bool JsonPart::flag_or(const std::string& field, bool otherwise) const {
  return has(field) ? at(field).flag() : otherwise;
}

}  // namespace larimar::text
