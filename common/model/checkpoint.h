#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/model/safetensors.h"

namespace larimar::model {

/// The weights of a Hugging Face folder: model.safetensors, or the parts that model.safetensors.index.json names. All
/// parts are mapped and checked whole; nothing is copied. Immutable; owns the mapped files. Local.
class Checkpoint {
 public:
  /// Throws MissingInputError if the folder has neither file or a part is absent, FormatError naming file and tensor if
  /// a part is damaged, two parts hold one tensor, or the index and the parts disagree.
  explicit Checkpoint(const std::filesystem::path& folder);

  [[nodiscard]] const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  [[nodiscard]] bool has(const std::string& name) const { return tensors_.contains(name); }
  /// Throws FormatError naming the file or the index if there is no such tensor.
  [[nodiscard]] const TensorView& at(const std::string& name) const;
  /// model.safetensors or its index, to be named in errors.
  [[nodiscard]] const std::filesystem::path& source() const { return source_; }

 private:
  std::filesystem::path source_;
  std::vector<std::unique_ptr<const SafetensorsFile>> parts_;
  std::map<std::string, TensorView> tensors_;
};

}  // namespace larimar::model
