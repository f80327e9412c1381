#pragma once
// The two manifests of a folder, and which of them counts.
#include <array>
#include <optional>
#include <string>

#include "common/store/directory.h"
#include "common/store/manifest.h"

namespace larimar::store {

[[nodiscard]] std::string manifest_name(std::uint64_t generation);

/// What was found under one of the two names.
struct Generation {
  bool there = false;
  std::optional<Manifest> manifest;     // if it is whole
  std::optional<std::uint64_t> framed;  // generation, if at least the frame is whole
  std::string fault;                    // the sentence, if it is not
};

struct Generations {
  std::array<Generation, 2> found;

  [[nodiscard]] bool any_there() const { return found[0].there || found[1].there; }
  /// The whole one of the greater generation; nullptr if there is none.
  [[nodiscard]] const Manifest* newest() const;
  /// The whole one that is complete and of the greater generation; nullptr if there is none.
  [[nodiscard]] const Manifest* newest_complete() const;
  /// Why newest() may not be what was committed last: since manifests appear by rename, a damaged or missing one is no
  /// trace of a crash. Empty if all is well.
  [[nodiscard]] std::string doubt(const std::filesystem::path& folder) const;
};

/// Reads both. Throws FormatError for a newer format version, IoError.
[[nodiscard]] Generations read_generations(const Directory& folder);

}  // namespace larimar::store
