#pragma once
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/temporary_folder.h"

namespace larimar::train::test {

using support::TemporaryFolder;

inline std::filesystem::path tokenizer_file() {
  const char* value = std::getenv("LARIMAR_SOURCE_DIR");
  return std::filesystem::path(value == nullptr ? "." : value) / "models/larimar-compact/tokenizer.json";
}

template <class T>
void append(std::string& bytes, const T& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// The bytes of a segment file, by its grammar (train/segment_file.h).
inline std::string segment_file_bytes(const std::vector<std::vector<std::uint16_t>>& segments) {
  std::string begins, ids;
  std::uint64_t tokens = 0;
  append(begins, tokens);
  for (const auto& segment : segments) {
    for (const std::uint16_t id : segment) append(ids, id);
    tokens += segment.size();
    append(begins, tokens);
  }
  std::string bytes = "LRMSEG01";
  append(bytes, static_cast<std::uint64_t>(segments.size()));
  append(bytes, tokens);
  return bytes + begins + ids;
}

}  // namespace larimar::train::test
