#pragma once
// File = u64 little-endian header length n | n bytes of JSON | tensor bytes, without gaps, in the order of their offsets.
// JSON = {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, .., "__metadata__": {"key": "text"}}
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/base/file.h"

namespace larimar::model {

/// A tensor inside a mapped file, or one to be written. Bytes are owned elsewhere. Row-major.
struct TensorView {
  std::string dtype;  // "F32", "F16", "BF16", "I64", ...
  std::vector<std::uint64_t> shape;
  std::span<const std::byte> bytes;
};

/// A safetensors file, mapped and checked whole at construction: nothing that the header claims is allocated, every
/// size goes through checked arithmetic, tensors cover the data part exactly once, names are unique.
/// Throws MissingInputError or FormatError naming the file, the tensor, the position and what was expected.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  [[nodiscard]] const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// Throws FormatError naming the file if there is no such tensor.
  [[nodiscard]] const TensorView& at(const std::string& name) const;
  [[nodiscard]] const std::filesystem::path& path() const { return file_.path(); }

 private:
  base::MappedFile file_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes the file atomically; the same input gives the same bytes. Throws what base::AtomicFile throws.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace larimar::model
