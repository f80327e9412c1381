#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/failpoint.h"
#include "common/model/compact_config.h"
#include "common/model/larimar_config.h"
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

/// C, and the tokens of a segment.
std::pair<std::uint64_t, std::uint64_t> sizes_of(const std::string& architecture, const std::filesystem::path& model) {
  if (architecture == "larimar") {
    const model::LarimarConfig config = model::read_larimar_config(model);
    return {config.code_size, config.segment_tokens - 2};
  }
  const model::CompactConfig config = model::read_compact_config(model / "config.json");
  return {static_cast<std::uint64_t>(config.code_size()), static_cast<std::uint64_t>(config.positions - 1)};
}

}  // namespace

int info_command(const JobSetup& wanted, bool json, bool failpoints) {
  if (failpoints) return list_failpoints(json);
  const JobSetup setup = resolve(wanted);
  const std::string architecture = model::read_architecture(setup.model);
  const auto [code_size, segment_tokens] = sizes_of(architecture, setup.model);
  nlohmann::json info{{"version", kVersion},
                      {"libtorch", model::torch_version()},
                      {"model", setup.model.string()},
                      {"architecture", architecture},
                      {"keys", setup.keys},
                      {"keys_folder", setup.keys_folder.string()},
                      {"code_size", code_size},
                      {"segment_tokens", segment_tokens}};
  if (setup.keys == "static") info["key_table"] = setup.key_table.string();
  if (json) {
    std::cout << info.dump() << '\n';
    return 0;
  }
  for (const auto& [name, value] : info.items())
    std::cout << name << ": " << (value.is_string() ? value.get<std::string>() : value.dump()) << '\n';
  return 0;
}

}  // namespace larimar::launch
