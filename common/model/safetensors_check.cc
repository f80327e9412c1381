#include "common/model/safetensors_check.h"

#include "common/base/error.h"

namespace larimar::model {

std::string to_string(const TensorShape& shape) {
  std::string text = shape.dtype + " [";
  for (std::size_t i = 0; i < shape.shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape.shape[i]);
  text += ']';
  return text;
}

void require_tensors(const SafetensorsFile& file, const TensorShapes& expected) {
  std::string faults;
  for (const auto& [name, wanted] : expected) {
    const auto found = file.tensors().find(name);
    if (found != file.tensors().end() && TensorShape{found->second.dtype, found->second.shape} == wanted) continue;
    const std::string actual =
        found == file.tensors().end() ? "missing" : "found " + to_string({found->second.dtype, found->second.shape});
    faults += "\n  " + name + ": expected " + to_string(wanted) + ", " + actual;
  }
  if (!faults.empty()) throw base::FormatError(file.path().string() + " does not fit its config.json:" + faults);
}

}  // namespace larimar::model
