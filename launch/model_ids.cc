#include "launch/model_ids.h"

#include "launch/memory_folder.h"

namespace larimar::launch {
namespace {

std::string id_of(const std::string& name, const std::filesystem::path& folder) {
  return name + " " + hash_of_file(folder / "model.safetensors").text();
}

}  // namespace

std::string model_id(const JobSetup& setup) { return id_of("larimar-compact", setup.model); }

std::string keys_id(const JobSetup& setup) {
  return setup.keys == "minilm" ? id_of("minilm", setup.keys_folder) : id_of("model", setup.model);
}

}  // namespace larimar::launch
