#include <iostream>
#include <nlohmann/json.hpp>

#include "common/model/compact_config.h"
#include "common/model/runtime.h"
#include "launch/commands.h"
#include "launch/version.h"

namespace larimar::launch {

int info_command(const JobSetup& wanted, bool json) {
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
