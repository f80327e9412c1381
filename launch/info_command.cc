#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/failpoint.h"
#include "common/model/compact_config.h"
#include "common/model/runtime.h"
#include "launch/commands.h"
#include "launch/version.h"

namespace larimar::launch {

namespace {

int list_failpoints(bool json) {
  nlohmann::json all = nlohmann::json::array();
  for (const base::FailpointInfo& point : base::kFailpoints)
    all.push_back({{"name", point.name}, {"io", point.io}, {"what", point.what}});
  if (json) {
    std::cout << nlohmann::json{{"compiled_in", base::has_failpoints()}, {"failpoints", all}}.dump() << '\n';
    return 0;
  }
  for (const base::FailpointInfo& point : base::kFailpoints)
    std::cout << point.name << (point.io ? " (file call): " : ": ") << point.what << '\n';
  std::cout << base::kFailpointCount << " failpoints, "
            << (base::has_failpoints() ? "compiled in" : "left out of this build") << '\n';
  return 0;
}

}  // namespace

int info_command(const JobSetup& wanted, bool json, bool failpoints) {
  if (failpoints) return list_failpoints(json);
  const JobSetup setup = resolve(wanted);
  const model::CompactConfig config = model::read_compact_config(setup.model / "config.json");
  const nlohmann::json info{{"version", kVersion},
                            {"libtorch", model::torch_version()},
                            {"model", setup.model.string()},
                            {"keys", setup.keys},
                            {"keys_folder", setup.keys_folder.string()},
                            {"code_size", config.code_size()},
                            {"segment_tokens", config.positions - 1}};
  if (json) {
    std::cout << info.dump() << '\n';
    return 0;
  }
  for (const auto& [name, value] : info.items())
    std::cout << name << ": " << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
  return 0;
}

}  // namespace larimar::launch
