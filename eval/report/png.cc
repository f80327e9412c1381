#include "eval/report/png.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "common/base/error.h"

extern char** environ;

namespace larimar::eval::report {
namespace fs = std::filesystem;
namespace {

constexpr const char* kRenderer = "rsvg-convert";

/// The exit code, or -1 if the program could not be started or was killed.
int run(std::array<std::string, 7> words) {
  std::array<char*, 8> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  pid_t child = 0;
  if (::posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0) return -1;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

fs::path find_renderer() {
  const char* path = std::getenv("PATH");
  std::string_view folders = path == nullptr ? "" : path;
  while (!folders.empty()) {
    const std::string_view folder = folders.substr(0, folders.find(':'));
    folders.remove_prefix(std::min(folder.size() + 1, folders.size()));
    const fs::path program = fs::path(folder) / kRenderer;
    std::error_code failure;
    if (!folder.empty() && fs::is_regular_file(program, failure) && ::access(program.c_str(), X_OK) == 0)
      return program;
  }
  throw base::ConfigError(std::string("PNG files need the program ") + kRenderer +
                          ", which is not in PATH; install the Debian package librsvg2-bin, or leave out --png");
}

void render_png(const fs::path& renderer, const fs::path& svg, const fs::path& png) {
  const fs::path temporary = png.string() + ".part";
  const int code = run({renderer.string(), "--zoom", "2", "--output", temporary.string(), "--", svg.string()});
  std::error_code failure;
  if (code == 0) fs::rename(temporary, png, failure);
  if (code == 0 && !failure) return;
  fs::remove(temporary, failure);
  throw base::IoError(renderer.string() + " could not make " + png.string() + " of " + svg.string() +
                      "; is the disk full, or the program damaged?");
}

}  // namespace larimar::eval::report
