#include "launch/model_ids.h"

#include <filesystem>
#include <set>

#include "common/base/error.h"
#include "common/model/larimar_config.h"
#include "launch/memory_folder.h"

namespace larimar::launch {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInteger = " integer";  // ends the id of a network that encodes so

std::string ending(const JobSetup& setup) { return setup.arithmetic == model::Arithmetic::kInteger ? kInteger : ""; }

/// Of all files with weights, in the order of their names.
std::string id_of(const std::string& name, const fs::path& folder) {
  std::set<fs::path> weights;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with("model") && file.ends_with(".safetensors")) weights.insert(entry.path());
  }
  if (weights.empty()) throw base::MissingInputError(folder.string() + " has no model.safetensors");
  std::string id = name;
  for (const fs::path& path : weights) id += " " + hash_of_file(path).text();
  return id;
}

}  // namespace

std::string model_id(const JobSetup& setup) {
  return id_of(model::read_architecture(setup.model), setup.model) + ending(setup);
}

model::Arithmetic arithmetic_of(const std::string& id) {
  return id.ends_with(kInteger) ? model::Arithmetic::kInteger : model::Arithmetic::kFloat;
}

std::string keys_id(const JobSetup& setup) {
  if (setup.keys == "static") return "static " + hash_of_file(setup.key_table).text();
  return (setup.keys == "minilm" ? id_of("minilm", setup.keys_folder) : id_of(setup.keys, setup.model)) + ending(setup);
}

std::string keys_named(const std::string& id) {
  const std::string name = id.substr(0, id.find(' '));
  return name == "minilm" || name == "static" ? name : "model";
}

std::string language_id(const JobSetup& setup) { return id_of(folder_name(setup.language), setup.language); }

std::string decoder_id(const JobSetup& setup) { return id_of(folder_name(setup.decoder_model), setup.decoder_model); }

std::string folder_name(const fs::path& folder) {
  const fs::path absolute = fs::absolute(folder).lexically_normal();
  return (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
}

}  // namespace larimar::launch
