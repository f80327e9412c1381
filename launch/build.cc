#include "launch/build.h"

#include <link.h>

#include <filesystem>
#include <system_error>

#include "common/model/runtime.h"
#include "launch/version.h"

namespace larimar::launch {
namespace {

struct Wanted {
  const std::string& name;
  std::string path;
};

int look_at(dl_phdr_info* info, std::size_t, void* data) {
  Wanted& wanted = *static_cast<Wanted*>(data);
  const std::filesystem::path path = info->dlpi_name;
  if (!path.filename().string().starts_with(wanted.name)) return 0;
  wanted.path = path.string();
  return 1;  // ends the iteration
}

}  // namespace

std::string build_text() {
  return std::string(kVersion) + " (build " + sources_hash() + ", " + LARIMAR_BUILD_KIND + ")";
}

std::string loaded_library(const std::string& name) {
  Wanted wanted{name, {}};
  dl_iterate_phdr(look_at, &wanted);
  return wanted.path;
}

std::string libtorch_text() {
  std::error_code none;
  const std::string path = loaded_library("libtorch_cpu.so");
  const auto bytes = path.empty() ? 0 : std::filesystem::file_size(path, none);
  return model::torch_version() + ", libtorch_cpu.so of " + std::to_string(none ? 0 : bytes) + " bytes";
}

}  // namespace larimar::launch
