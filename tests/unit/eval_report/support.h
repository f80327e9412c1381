#pragma once
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::eval::report::test {
namespace fs = std::filesystem;

/// A folder that is removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "larimar_report_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw base::IoError("cannot make a temporary folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }
  fs::path write(const fs::path& name, std::string_view text) const {
    fs::create_directories((path_ / name).parent_path());
    base::write_file(path_ / name, text);
    return path_ / name;
  }

 private:
  fs::path path_;
};

/// What the error of this class says; empty if none was thrown.
template <class Error, class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// A row of results.jsonl, with all fields.
inline nlohmann::json row(std::uint64_t length = 1000, double depth = 50, double score = 1) {
  return {{"task_type", "passkey"},
          {"context_length", length},
          {"target_depth_percent", depth},
          {"recipe", {{"final_context_token_count", 137000}}},
          {"score", {{"value", score}, {"details", {{"retrieval_first", true}, {"wording", score == 1}}}}},
          {"duration_seconds", 0.5},
          {"status", "ok"},
          {"larimar", {{"kind", "passkey"}, {"digits", 5}, {"key_mode", "prefix"}, {"form", "prefix"}, {"run", "r1"}}}};
}

inline std::string lines(const std::vector<nlohmann::json>& rows) {
  std::string text;
  for (const nlohmann::json& one : rows) text += one.dump() + "\n";
  return text;
}

inline std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// Texts that must not get out of the place they stand in.
inline constexpr const char* kHostile[] = {"<script>alert(1)</script>",
                                           "]]></title><svg onload=alert(1)>",
                                           "\" onmouseover=\"alert(1)",
                                           "' style='x",
                                           "a & b &lt;",
                                           "<!-- -->",
                                           "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D",
                                           "turned\xE2\x80\xAEround",
                                           "nul\x01and\x7F"};

}  // namespace larimar::eval::report::test
