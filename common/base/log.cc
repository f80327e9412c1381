#include "common/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::base {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& origin) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  // On a terminal a message replaces a progress bar that may stand in the line; the bar is redrawn below it.
  const std::string start = ::isatty(STDERR_FILENO) == 1 ? "\r\033[K" : "";
  sink->set_pattern(start + "[" + origin + "] %l: %v");
  auto logger = std::make_shared<spdlog::logger>("larimar", sink);
  logger->flush_on(spdlog::level::debug);
  return logger;
}

std::shared_ptr<spdlog::logger>& current() {
  static std::shared_ptr<spdlog::logger> logger = make_logger("larimar");
  return logger;
}

}  // namespace

void open_log(const LogOptions& options) {
  const std::string rank = std::to_string(options.rank);
  auto logger = make_logger("rank " + rank + " " + options.host);
  if (!options.folder.empty()) {
    make_folder(options.folder);
    const std::filesystem::path path = options.folder / ("rank-" + rank + ".log");
    try {
      auto file = std::make_shared<spdlog::sinks::basic_file_sink_mt>(path.string(), true);
      file->set_pattern("%Y-%m-%dT%H:%M:%S.%e [rank " + rank + " " + options.host + "] %l: %v");
      logger->sinks().push_back(file);
    } catch (const spdlog::spdlog_ex& failure) {
      throw Error(ExitCode::kCannotCreate, "cannot create the log file " + path.string() + ": " + failure.what());
    }
  }
  logger->set_level(to_spdlog(options.level));
  current() = logger;
}

void log(LogLevel level, std::string_view text) {
  current()->log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace larimar::base
