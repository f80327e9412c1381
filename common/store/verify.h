#pragma once
// A whole memory folder, byte by byte: what is damaged, and which part of which document that was.
#include <cstdint>
#include <string>
#include <vector>

#include "common/store/folder.h"

namespace larimar::store {

struct VerifyReport {
  Manifest manifest;            // the one that counts
  std::vector<Damage> damages;  // none: every byte up to the committed lengths is as it was written
  /// Sentences about what is no damage: records beyond the committed lengths, a manifest that is passed over.
  std::vector<std::string> notes;
  std::uint64_t bytes = 0;  // read and checked
  std::uint64_t records = 0;
  std::uint64_t segments = 0;
};

/// Reads everything that the newest complete manifest counts (the newest, if none is complete): both manifests, all
/// logs, m0.safetensors. A block of a complete memory that is in no whole record is named with its document and byte
/// range even if its header is gone: from the blocks before and after it, which stand in other logs.
/// Calls   local; needs no lock. Cost: one pass over the folder.
/// Throws  MissingInputError, FormatError if the folder is absent, no memory, of a newer version or has no whole
///         manifest; IoError.
[[nodiscard]] VerifyReport verify(FileSystem& files, const std::filesystem::path& path);

}  // namespace larimar::store
