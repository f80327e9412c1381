#include "common/store/record.h"

#include <array>
#include <cstdio>

namespace larimar::store {

std::string log_name(std::uint32_t shard) {
  std::array<char, 16> name{};
  std::snprintf(name.data(), name.size(), "log.%03u", shard);
  return name.data();
}

std::string Damage::text() const {
  std::string text = file.string() + " is damaged";
  if (offset > 0 || records > 0) text += " at byte " + std::to_string(offset);
  if (records > 0) text += ", record " + std::to_string(record);
  if (records > 1) text += " to " + std::to_string(record + records - 1);
  text += ": " + what;
  if (block) text += "; it held block " + std::to_string(*block);
  if (document) {
    text += (block ? ", document " : "; it held document ");
    text += document_path.empty() ? std::to_string(*document) : document_path;
    text += ", bytes " + std::to_string(begin) + " to " + std::to_string(end);
  }
  return text;
}

}  // namespace larimar::store
