#pragma once
// A copy of one of the small models, to be damaged by tests.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/model/checkpoint.h"
#include "common/model/safetensors.h"
#include "tests/unit/model/causal_golden.h"

namespace larimar::model {

class CausalFolder {
 public:
  explicit CausalFolder(const std::string& name) : source_(model_folder(name)) {
    std::string path = (std::filesystem::temp_directory_path() / "larimar_causal_XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw base::IoError("cannot make a temporary folder");
    path_ = path;
    std::filesystem::copy(model_folder(name), path_, std::filesystem::copy_options::recursive);
    tensors_ = source_.tensors();
  }
  CausalFolder(const CausalFolder&) = delete;
  CausalFolder& operator=(const CausalFolder&) = delete;
  ~CausalFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Sets a field of config.json, given as "name" or "name/inner".
  void change(const std::string& field, const nlohmann::json& value) const {
    auto json = nlohmann::json::parse(base::read_file(path_ / "config.json"));
    json[nlohmann::json::json_pointer("/" + field)] = value;
    base::write_file(path_ / "config.json", json.dump());
  }
  void remove_field(const std::string& field) const {
    auto json = nlohmann::json::parse(base::read_file(path_ / "config.json"));
    json.erase(field);
    base::write_file(path_ / "config.json", json.dump());
  }

  /// Tensors, as save() writes them into one file.
  void erase(const std::string& name) { tensors_.erase(name); }
  void rename(const std::string& from, const std::string& to) {
    tensors_[to] = tensors_.at(from);
    tensors_.erase(from);
  }
  [[nodiscard]] TensorView& tensor(const std::string& name) { return tensors_.at(name); }
  [[nodiscard]] std::map<std::string, TensorView>& tensors() { return tensors_; }
  void save() const {
    std::filesystem::remove(path_ / "model.safetensors.index.json");
    write_safetensors(path_ / "model.safetensors", tensors_, {});
  }

  /// The text of the FormatError that the call throws, or what it did instead.
  template <class Call>
  [[nodiscard]] std::string refusal(const Call& call) const {
    try {
      call();
    } catch (const base::FormatError& error) {
      return error.what();
    } catch (const std::exception& error) {
      return std::string("another error: ") + error.what();
    }
    return "no error";
  }

 private:
  Checkpoint source_;
  std::filesystem::path path_;
  std::map<std::string, TensorView> tensors_;  // views of the source
};

}  // namespace larimar::model
