#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace larimar::model {

/// One JSON object of a model's config.json. A field that is absent or null counts as not given. Every getter throws
/// FormatError naming file, field, what was found and what was expected. Immutable. Local.
class ConfigFields {
 public:
  /// Throws MissingInputError or FormatError if the file is not one JSON object.
  explicit ConfigFields(const std::filesystem::path& path);
  ConfigFields(std::string where, nlohmann::json root);

  [[nodiscard]] bool has(const std::string& name) const;
  /// Given, and as null.
  [[nodiscard]] bool is_null(const std::string& name) const;
  /// A whole number from 1 to `most`.
  [[nodiscard]] std::uint64_t size(const std::string& name, std::uint64_t most) const;
  [[nodiscard]] std::uint64_t size_or(const std::string& name, std::uint64_t most, std::uint64_t otherwise) const;
  /// A finite number from `least` to `most`.
  [[nodiscard]] double number(const std::string& name, double least, double most) const;
  [[nodiscard]] double number_or(const std::string& name, double least, double most, double otherwise) const;
  /// Exactly `count` numbers from `least` to `most`.
  [[nodiscard]] std::vector<double> numbers(const std::string& name, std::size_t count, double least,
                                            double most) const;
  [[nodiscard]] bool flag_or(const std::string& name, bool otherwise) const;
  [[nodiscard]] std::string text(const std::string& name) const;
  [[nodiscard]] std::string text_or(const std::string& name, const std::string& otherwise) const;
  [[nodiscard]] ConfigFields object(const std::string& name) const;

  /// Refuses a flag that changes the numbers in a way that is not implemented.
  void require_flag(const std::string& name, bool wanted) const;
  /// Refuses a field that must not be given.
  void forbid(const std::string& name, const std::string& why) const;
  /// Throws FormatError: "<file>: field "name" is <value>, expected <expected>".
  [[noreturn]] void refuse(const std::string& name, const std::string& expected) const;

  [[nodiscard]] const std::string& where() const { return where_; }

 private:
  [[nodiscard]] double checked_number(const nlohmann::json& value, const std::string& name, double least,
                                      double most) const;
  std::string where_;  // the file, and for an inner object the field
  nlohmann::json root_;
};

}  // namespace larimar::model
