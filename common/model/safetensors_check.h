#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/model/safetensors.h"

namespace larimar::model {

/// What a network needs one tensor to be.
struct TensorShape {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  friend bool operator==(const TensorShape&, const TensorShape&) = default;
};
using TensorShapes = std::map<std::string, TensorShape>;

/// "F32 [2, 3]"
[[nodiscard]] std::string to_string(const TensorShape& shape);

/// Every expected tensor must be in the file with that type and shape; others in the file are left alone.
/// Throws FormatError that names the file and lists all tensors that are missing or different, expected and found.
void require_tensors(const SafetensorsFile& file, const TensorShapes& expected);

}  // namespace larimar::model
