#include "common/model/json_fields.h"

#include "common/base/file.h"

namespace larimar::model {

using base::FormatError;

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

}  // namespace larimar::model
