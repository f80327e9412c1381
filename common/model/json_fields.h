#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"

namespace larimar::model {

/// An object of a configuration file. Every error is a FormatError that names the file and the field.
class JsonFields {
 public:
  /// Reads a file that holds one object. Throws MissingInputError too.
  explicit JsonFields(const std::filesystem::path& path);
  /// The object of a field: errors name it as part of the path, "encoder.hidden_size".
  [[nodiscard]] JsonFields object(const std::string& name) const;

  [[nodiscard]] bool has(const std::string& name) const { return root_.contains(name); }
  [[nodiscard]] const std::string& file() const { return file_; }

  /// Throws if the field is missing or of the wrong kind.
  template <class T>
  [[nodiscard]] T get(const std::string& name) const {
    try {
      return root_.at(name).template get<T>();
    } catch (const nlohmann::json::exception&) {
      throw base::FormatError(file_ + ": field \"" + prefix_ + name + "\" is missing or of the wrong kind");
    }
  }

  /// A whole number from 1 to `most`.
  [[nodiscard]] std::uint64_t size(const std::string& name, std::uint64_t most) const;
  /// A number from `least` to `most`.
  [[nodiscard]] double number(const std::string& name, double least, double most) const;
  /// Exactly `count` numbers from `least` to `most`.
  [[nodiscard]] std::vector<double> numbers(const std::string& name, std::size_t count, double least,
                                            double most) const;

  /// The same for fields that may be left out: absent and null stand for `otherwise`.
  [[nodiscard]] std::uint64_t size_or(const std::string& name, std::uint64_t most, std::uint64_t otherwise) const;
  [[nodiscard]] double number_or(const std::string& name, double least, double most, double otherwise) const;
  [[nodiscard]] bool flag_or(const std::string& name, bool otherwise) const;
  [[nodiscard]] std::string text_or(const std::string& name, const std::string& otherwise) const;

  /// Present and not null; present and null.
  [[nodiscard]] bool is_given(const std::string& name) const;
  [[nodiscard]] bool is_null(const std::string& name) const;
  /// Throws FormatError: file, field, what it is, and "expected <expected>".
  [[noreturn]] void refuse(const std::string& name, const std::string& expected) const;
  /// Refuses a flag, if it is given, that would change the numbers in a way that is not implemented.
  void require_flag(const std::string& name, bool wanted) const;

  template <class T>
  void expect(const std::string& name, const T& wanted) const {
    if (get<T>(name) == wanted) return;
    throw base::FormatError(file_ + ": field \"" + prefix_ + name + "\" is " + get<nlohmann::json>(name).dump() +
                            ", this network needs " + nlohmann::json(wanted).dump());
  }
  template <class T>
  void expect_if_present(const std::string& name, const T& wanted) const {
    if (has(name)) expect(name, wanted);
  }

 private:
  JsonFields(std::string file, std::string prefix, nlohmann::json root)
      : file_(std::move(file)), prefix_(std::move(prefix)), root_(std::move(root)) {}

  std::string file_;
  std::string prefix_;
  nlohmann::json root_;
};

}  // namespace larimar::model
