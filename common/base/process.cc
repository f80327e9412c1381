#include "common/base/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace larimar::base {

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024U;  // Linux counts in KiB
}

std::int64_t process_id() { return ::getpid(); }

std::string process_command() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string program, command;
  std::getline(file, program, '\0');
  std::getline(file, command, '\0');
  const std::string name = std::filesystem::path(program).filename().string();
  return command.empty() ? name : name + " " + command;
}

}  // namespace larimar::base
