#pragma once
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::train::test {

/// A folder that is removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "larimar_train_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw base::IoError("cannot make a temporary folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  std::filesystem::path write(const std::filesystem::path& name, std::string_view bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    base::write_file(path_ / name, bytes);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

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
