#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace larimar::eval {

/// Calls `use` with each object of a JSON Lines file and its line number, from 1; blank lines are left out.
/// Throws MissingInputError if the file is absent or holds no line, FormatError naming file, line and column of what is no
/// JSON, or the line that is no object. A FormatError of `use` gets file and line put in front.
void for_each_object(const std::filesystem::path& file,
                     const std::function<void(const nlohmann::json&, std::size_t)>& use);

/// A field of an object as text, list of texts or number. Throws FormatError naming the field that is missing or wrong.
[[nodiscard]] std::string text_field(const nlohmann::json& object, const char* name);
/// A text, or a list of texts or numbers, as a list that is not empty.
[[nodiscard]] std::vector<std::string> texts_field(const nlohmann::json& object, const char* name);

}  // namespace larimar::eval
