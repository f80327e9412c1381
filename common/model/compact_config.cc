#include "common/model/compact_config.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::model {
namespace {

using base::FormatError;
using Field = std::pair<const char*, std::int64_t CompactConfig::*>;

constexpr std::int64_t kLargestSize = 1 << 20;

constexpr std::array<Field, 11> kFields{{
    {"vocabulary", &CompactConfig::vocabulary},
    {"positions", &CompactConfig::positions},
    {"latents", &CompactConfig::latents},
    {"latent_size", &CompactConfig::latent_size},
    {"width", &CompactConfig::width},
    {"heads", &CompactConfig::heads},
    {"encoder_layers", &CompactConfig::encoder_layers},
    {"decoder_layers", &CompactConfig::decoder_layers},
    {"pad_id", &CompactConfig::pad_id},
    {"bos_id", &CompactConfig::bos_id},
    {"eos_id", &CompactConfig::eos_id},
}};

void check(const CompactConfig& config, const std::string& source) {
  if (config.positions % config.latents != 0) throw FormatError(source + ": latents must divide positions");
  if (config.width % config.heads != 0) throw FormatError(source + ": heads must divide width");
  for (const std::int64_t id : {config.pad_id, config.bos_id, config.eos_id}) {
    if (id >= config.vocabulary) throw FormatError(source + ": a special id is not below vocabulary");
  }
}

}  // namespace

CompactConfig read_compact_config(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  const auto root = nlohmann::json::parse(file.text(), nullptr, false);
  if (!root.is_object()) throw FormatError(path.string() + " is not a JSON object");
  if (const auto kind = root.find("architecture"); kind == root.end() || *kind != "larimar-compact") {
    throw FormatError(path.string() + ": \"architecture\" is not \"larimar-compact\", the one this program knows");
  }
  CompactConfig config;
  for (const auto& [name, member] : kFields) {
    const auto found = root.find(name);
    const bool integer = found != root.end() && found->is_number_integer();
    const bool may_be_zero = std::string_view(name).ends_with("_id");
    const std::int64_t value = integer ? found->get<std::int64_t>() : -1;
    if (value < (may_be_zero ? 0 : 1) || value > kLargestSize) {
      throw FormatError(path.string() + ": \"" + name + "\" is missing or not a whole number from " +
                        (may_be_zero ? "0" : "1") + " to " + std::to_string(kLargestSize));
    }
    config.*member = value;
  }
  check(config, path.string());
  return config;
}

nlohmann::json to_json(const CompactConfig& config) {
  nlohmann::json root{{"architecture", "larimar-compact"}};
  for (const auto& [name, member] : kFields) root[name] = config.*member;
  return root;
}

}  // namespace larimar::model
