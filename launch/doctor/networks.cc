// GPU, LibTorch and the folders of networks, of which none is loaded.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "common/base/error.h"
#include "launch/build.h"
#include "launch/doctor/machine.h"

namespace larimar::launch::doctor {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code none;
  return fs::exists(path, none);
}

int count_devices() {
  int count = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/dev", none)) {
    const std::string name = entry.path().filename().string();
    const bool numbered = name.size() > 6 && name.find_first_not_of("0123456789", 6) == std::string::npos;
    if (name.starts_with("nvidia") && numbered) ++count;
  }
  return count;
}

/// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54  ..." -> the word with a point among digits.
std::string driver_version() {
  std::ifstream file("/proc/driver/nvidia/version");
  std::string line, word;
  if (!std::getline(file, line)) return {};
  std::istringstream words(line);
  while (words >> word) {
    if (word.find('.') != std::string::npos && word.find_first_not_of("0123456789.") == std::string::npos) return word;
  }
  return "of unknown version";
}

Finding look_for(const std::string& check, const fs::path& folder, State otherwise, const std::string& advice) {
  if (is_there(folder / "config.json") || is_there(folder / "model.safetensors"))
    return {check, State::kGood, folder.string(), "", ""};
  return {check, otherwise, "not in " + folder.string(), advice, ""};
}

}  // namespace

Finding judge_gpu(const GpuSight& sight) {
  Finding finding{"GPU", State::kGood, "", "", ""};
  if (sight.devices == 0 && sight.driver.empty()) {
    finding.found = "none; everything runs on the CPU";
    return finding;
  }
  finding.found = std::to_string(sight.devices) + " NVIDIA devices, driver " +
                  (sight.driver.empty() ? "absent" : sight.driver) + "; LibTorch can use " +
                  std::to_string(sight.libtorch.devices);
  if (sight.devices == 0 || sight.driver.empty()) {
    finding.state = State::kWarning;
    finding.advice =
        "a driver without a device, or the reverse: ask for a GPU in the batch job, and look at the driver";
  } else if (sight.libtorch.devices == 0) {
    finding.state = State::kWarning;
    finding.advice = "--device cuda will be refused: " + sight.libtorch.why_none + "; docs/gpu.md says what it needs";
  }
  return finding;
}

Finding look_at_gpu() {
  GpuSight sight{count_devices(), driver_version(), {}};
  if (sight.devices > 0 && !sight.driver.empty()) sight.libtorch = model::look_for_cuda();
  return judge_gpu(sight);
}

std::vector<Finding> look_for_networks(const JobSetup& setup) {
  std::vector<Finding> findings{{"LibTorch", State::kGood, libtorch_text(), "", ""}};
  const fs::path model = setup.model.empty() ? home_folder() / "models/larimar-compact" : setup.model;
  const fs::path keys = setup.keys_folder.empty() ? deps_folder() / "minilm" : setup.keys_folder;
  findings.push_back(
      look_for("model", model, State::kBad, "set LARIMAR_HOME to the folder that holds models/, or give --model"));
  findings.push_back(
      look_for("key network", keys, State::kNote,
               "keys then come from the model, with fewer questions found; launch/install.sh fetches it"));
  findings.push_back(look_for("language model", deps_folder() / "smollm2", State::kNote,
                              "only --reader and --rerank need it; launch/install.sh fetches it"));
  return findings;
}

}  // namespace larimar::launch::doctor
