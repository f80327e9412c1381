#pragma once
// A tiny larimar-compact and a folder for its files. LibTorch types.
#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/model/compact_network.h"
#include "common/model/compact_weights.h"

namespace larimar::model {

inline CompactConfig tiny_config() {
  CompactConfig config;
  config.vocabulary = 40;
  config.positions = 16;
  config.latents = 4;
  config.latent_size = 8;
  config.width = 16;
  config.heads = 2;
  config.encoder_layers = config.decoder_layers = 2;
  return config;
}

/// Larger weights than a new network has, so that every path leaves its mark on the result.
inline CompactNetwork tiny_network(std::uint64_t seed, const CompactConfig& config = tiny_config()) {
  torch::manual_seed(seed);
  CompactNetwork network(config);
  const torch::NoGradGuard guard;
  for (auto& parameter : network->parameters()) parameter.copy_(torch::randn_like(parameter) * 0.3);
  network->eval();
  return network;
}

class CompactFolder {
 public:
  CompactFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "larimar_compact_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw base::IoError("cannot make a temporary folder");
    path_ = name;
    put_config(to_json(tiny_config()));
  }
  CompactFolder(const CompactFolder&) = delete;
  CompactFolder& operator=(const CompactFolder&) = delete;
  ~CompactFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path config() const { return path_ / "config.json"; }
  [[nodiscard]] std::filesystem::path weights() const { return path_ / "model.safetensors"; }
  void put_config(const nlohmann::json& value) const { base::write_file(config(), value.dump()); }

 private:
  std::filesystem::path path_;
};

/// The text of the error that `call` throws, or what it did instead.
template <class Kind, class Call>
std::string fault_of(Call call) {
  try {
    call();
  } catch (const Kind& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

}  // namespace larimar::model
