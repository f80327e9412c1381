#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/model/safetensors.h"

namespace larimar::model {

/// What a network needs one tensor to be. The type "FLOAT" stands for any of F32, F16 and BF16.
struct TensorShape {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  friend bool operator==(const TensorShape&, const TensorShape&) = default;
};
using TensorShapes = std::map<std::string, TensorShape>;

/// "F32 [2, 3]"
[[nodiscard]] std::string to_string(const TensorShape& shape);

/// Every expected tensor must be there with that type and shape; others are left alone. `source` is the file in errors.
/// Throws FormatError that names the file and lists all tensors that are missing or different, expected and found.
void require_tensors(const std::filesystem::path& source, const std::map<std::string, TensorView>& tensors,
                     const TensorShapes& expected);

}  // namespace larimar::model
