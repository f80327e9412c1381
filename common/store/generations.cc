#include "common/store/generations.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/failpoint.h"

namespace larimar::store {
namespace {

Generation read_one(const Directory& folder, std::uint64_t index) {
  Generation generation;
  const std::string name = manifest_name(index);
  const std::string path = (folder.path() / name).string();
  LARIMAR_FAILPOINT("store.manifest.read");
  std::string text;
  try {
    const std::optional<File> file = folder.open_if_there(name, OpenMode::kRead);
    if (!file) return generation;
    generation.there = true;
    text = file->read_all(kMaxManifestBytes + 64);
  } catch (const base::FormatError& error) {
    generation.there = true;
    generation.fault = error.what();
    return generation;
  }
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text.data(), text.size()));
  generation.framed = framed_generation(bytes);
  refuse_newer_version(bytes, path);
  try {
    Manifest manifest = manifest_from_bytes(bytes, path);
    if (manifest.generation % 2 != index || manifest.generation == 0) {
      throw base::FormatError(path + " holds generation " + std::to_string(manifest.generation) +
                              ", which belongs to another name");
    }
    generation.manifest = std::move(manifest);
  } catch (const base::FormatError& error) {
    generation.fault = error.what();
  }
  return generation;
}

template <class Counts>
const Manifest* newest_that(const std::array<Generation, 2>& found, Counts counts) {
  const Manifest* newest = nullptr;
  for (const Generation& generation : found) {
    if (!generation.manifest || !counts(*generation.manifest)) continue;
    if (newest == nullptr || generation.manifest->generation > newest->generation) newest = &*generation.manifest;
  }
  return newest;
}

}  // namespace

std::string manifest_name(std::uint64_t generation) { return "manifest." + std::to_string(generation % 2); }

const Manifest* Generations::newest() const {
  return newest_that(found, [](const Manifest&) { return true; });
}

const Manifest* Generations::newest_complete() const {
  return newest_that(found, [](const Manifest& manifest) { return manifest.state == MemoryState::kComplete; });
}

std::string Generations::doubt(const std::filesystem::path& folder) const {
  const Manifest* best = newest();
  const std::string way_out = "; larimar salvage goes on from what is whole";
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i].fault.empty()) return found[i].fault + way_out;
  }
  if (best == nullptr) return {};
  const Generation& other = found[(best->generation + 1) % 2];
  const std::string path = (folder / manifest_name(best->generation + 1)).string();
  if (!other.there && best->generation > 1) return path + " is missing; it may have been the newer one" + way_out;
  if (!other.manifest) return {};
  if (other.manifest->generation + 1 != best->generation) {
    return path + " holds generation " + std::to_string(other.manifest->generation) + ", not the one before " +
           std::to_string(best->generation) + way_out;
  }
  if (other.manifest->folder != best->folder) return path + " belongs to another memory" + way_out;
  return {};
}

Generations read_generations(const Directory& folder) { return {.found = {read_one(folder, 0), read_one(folder, 1)}}; }

}  // namespace larimar::store
