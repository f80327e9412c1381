#include "common/model/safetensors_check.h"

#include "common/base/error.h"

namespace larimar::model {

std::string to_string(const TensorShape& shape) {
  std::string text = shape.dtype + " [";
  for (std::size_t i = 0; i < shape.shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape.shape[i]);
  text += ']';
  return text;
}

namespace {

bool fits(const TensorView& found, const TensorShape& wanted) {
  const bool any_float =
      wanted.dtype == "FLOAT" && (found.dtype == "F32" || found.dtype == "F16" || found.dtype == "BF16");
  return (any_float || found.dtype == wanted.dtype) && found.shape == wanted.shape;
}

}  // namespace

void require_tensors(const std::filesystem::path& source, const std::map<std::string, TensorView>& tensors,
                     const TensorShapes& expected) {
  std::string faults;
  for (const auto& [name, wanted] : expected) {
    const auto found = tensors.find(name);
    if (found != tensors.end() && fits(found->second, wanted)) continue;
    const std::string actual =
        found == tensors.end() ? "missing" : "found " + to_string({found->second.dtype, found->second.shape});
    faults += "\n  " + name + ": expected " + to_string(wanted) + ", " + actual;
  }
  if (!faults.empty()) throw base::FormatError(source.string() + " does not fit its config.json:" + faults);
}

}  // namespace larimar::model
