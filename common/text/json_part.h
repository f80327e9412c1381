#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace larimar::text {

/// A value of a parsed file together with its file and name, so that every complaint says where it belongs.
/// Refers to the parsed document, which must outlive it. All members throw FormatError if the value is not what was asked for.
class JsonPart {
 public:
  JsonPart(const nlohmann::json& value, std::string file, std::string name = {})
      : value_(&value), file_(std::move(file)), name_(std::move(name)) {}

  [[nodiscard]] const nlohmann::json& value() const { return *value_; }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] bool has(const std::string& field) const;  // there and not null
  [[nodiscard]] JsonPart at(const std::string& field) const;
  [[nodiscard]] std::vector<JsonPart> items() const;  // of an array

  [[nodiscard]] std::string type() const { return at("type").text(); }
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool flag() const;
  [[nodiscard]] std::uint64_t count() const;

  [[nodiscard]] std::string text_or(const std::string& field, const std::string& otherwise) const;
  [[nodiscard]] bool flag_or(const std::string& field, bool otherwise) const;

  /// Throws FormatError "<file>: <name> <problem>".
  [[noreturn]] void refuse(const std::string& problem) const;

 private:
  [[nodiscard]] std::string name_of(const std::string& field) const;

  const nlohmann::json* value_;
  std::string file_, name_;
};

}  // namespace larimar::text
