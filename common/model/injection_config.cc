#include "common/model/injection_config.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/model/json_fields.h"

namespace larimar::model {
namespace {

using Field = std::pair<const char*, std::int64_t InjectionConfig::*>;
constexpr std::uint64_t kLargestSize = 1 << 20;

constexpr std::array<Field, 10> kSizes{{
    {"pieces", &InjectionConfig::pieces},
    {"positions", &InjectionConfig::positions},
    {"latents", &InjectionConfig::latents},
    {"latent_size", &InjectionConfig::latent_size},
    {"end_id", &InjectionConfig::end_id},
    {"width", &InjectionConfig::width},
    {"heads", &InjectionConfig::heads},
    {"layers", &InjectionConfig::layers},
    {"hidden", &InjectionConfig::hidden},
    {"rank", &InjectionConfig::rank},
}};

}  // namespace

void take_codes_of(InjectionConfig& config, const CompactConfig& codes) {
  config.pieces = codes.vocabulary;
  config.positions = codes.positions;
  config.latents = codes.latents;
  config.latent_size = codes.latent_size;
  config.end_id = codes.eos_id;
}

InjectionConfig read_injection_config(const std::filesystem::path& folder) {
  const JsonFields fields(folder / "config.json");
  fields.expect<std::string>("architecture", kInjectedArchitecture);
  InjectionConfig config;
  for (const auto& [name, member] : kSizes) config.*member = static_cast<std::int64_t>(fields.size(name, kLargestSize));
  if (config.positions % config.latents != 0) fields.refuse("latents", "a divisor of positions");
  if (config.width % config.heads != 0) fields.refuse("heads", "a divisor of width");
  if (config.end_id >= config.pieces) fields.refuse("end_id", "a number below pieces");
  config.codes_of = fields.get<std::string>("codes_of");
  config.language_hash = fields.get<std::string>("language_hash");
  return config;
}

nlohmann::json to_json(const InjectionConfig& config) {
  nlohmann::json root{
      {"architecture", kInjectedArchitecture}, {"codes_of", config.codes_of}, {"language_hash", config.language_hash}};
  for (const auto& [name, member] : kSizes) root[name] = config.*member;
  return root;
}

}  // namespace larimar::model
