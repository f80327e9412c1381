#pragma once
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <system_error>

#include "common/base/error.h"
#include "common/base/file.h"
#include "tests/support/temporary_folder.h"

namespace larimar::eval::report::test {
namespace fs = std::filesystem;

using support::TemporaryFolder;

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
