#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace larimar::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

struct LogOptions {
  int rank = 0;
  std::string host{};                // as messages show it
  std::filesystem::path folder{};    // where the file rank-<rank>.log is made, beside standard error; empty: no file
  LogLevel level = LogLevel::kInfo;  // the least that is written
};

/// Sends this process's messages to standard error as "[rank 2 host] level: text" and, with a time, to its own file.
/// Call it once the rank is known; before that messages are marked "[larimar]". Not while other threads log.
/// Throws Error(kCannotCreate) if the folder or the file cannot be made.
void open_log(const LogOptions& options);

/// Writes one message. Thread-safe. Never throws: what cannot be written to the file is said on standard error.
void log(LogLevel level, std::string_view text);

}  // namespace larimar::base
