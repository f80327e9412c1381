#include "common/model/checkpoint.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::model {
namespace {

using base::FormatError;
using nlohmann::json;

constexpr std::size_t kMaxIndexBytes = std::size_t{64} << 20;  // far above the index of any model

/// Tensor -> file name in the folder, as the index says.
std::map<std::string, std::string> read_index(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  if (file.bytes().size() > kMaxIndexBytes) {
    throw FormatError(path.string() + " has " + std::to_string(file.bytes().size()) + " bytes; an index has at most " +
                      std::to_string(kMaxIndexBytes));
  }
  json root;
  try {
    root = json::parse(file.text());
  } catch (const json::parse_error& error) {
    throw FormatError(path.string() + " is not JSON at byte " + std::to_string(error.byte));
  }
  const auto map = root.is_object() ? root.find("weight_map") : root.end();
  if (map == root.end() || !map->is_object() || map->empty())
    throw FormatError(path.string() + ": \"weight_map\" is missing or not an object of tensors and files");
  std::map<std::string, std::string> files;
  for (const auto& [tensor, part] : map->items()) {
    const std::string name = part.is_string() ? part.get<std::string>() : "";
    // Parts lie beside the index: a path could lead anywhere.
    if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..")
      throw FormatError(path.string() + ": \"" + tensor + "\" lies in " + part.dump() + ", which is no file name");
    files.emplace(tensor, name);
  }
  return files;
}

}  // namespace

Checkpoint::Checkpoint(const std::filesystem::path& folder) : source_(folder / "model.safetensors") {
  const std::filesystem::path index = folder / "model.safetensors.index.json";
  if (!std::filesystem::exists(source_) && std::filesystem::exists(index)) {
    source_ = index;
    const auto claimed = read_index(index);
    std::set<std::string> names;
    for (const auto& [tensor, part] : claimed) names.insert(part);
    for (const std::string& name : names) {
      const auto& part = *parts_.emplace_back(std::make_unique<const SafetensorsFile>(folder / name));
      for (const auto& [tensor, view] : part.tensors()) {
        const auto claim = claimed.find(tensor);
        if (claim == claimed.end() || claim->second != name) {
          throw FormatError(part.path().string() + " holds \"" + tensor + "\", which " + index.string() + " puts " +
                            (claim == claimed.end() ? "nowhere" : "into " + claim->second));
        }
        tensors_.emplace(tensor, view);
      }
    }
    for (const auto& [tensor, part] : claimed) {
      if (!tensors_.contains(tensor))
        throw FormatError((folder / part).string() + " lacks \"" + tensor + "\", which " + index.string() +
                          " puts there");
    }
    return;
  }
  if (!std::filesystem::exists(source_) && std::filesystem::exists(folder)) {
    throw base::MissingInputError(folder.string() + " holds neither model.safetensors nor " +
                                  index.filename().string() + "; a .bin, .ckpt or .gguf file is turned into them by " +
                                  "'larimar convert'");
  }
  const auto& file = *parts_.emplace_back(std::make_unique<const SafetensorsFile>(source_));
  tensors_ = file.tensors();
}

const TensorView& Checkpoint::at(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw FormatError(source_.string() + " has no tensor \"" + name + "\"");
  return found->second;
}

}  // namespace larimar::model
