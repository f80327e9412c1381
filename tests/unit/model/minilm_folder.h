#pragma once
// A whole encoder folder with a tiny network, to be damaged by tests.
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "common/model/minilm_config.h"
#include "common/model/safetensors.h"

namespace larimar::model {

class MiniLmFolder {
 public:
  MiniLmFolder() : path_(std::filesystem::temp_directory_path() / ("larimar_minilm_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_ / "1_Pooling");
    put("config.json", {{"model_type", "bert"},
                        {"hidden_act", "gelu"},
                        {"vocab_size", 10},
                        {"hidden_size", 8},
                        {"num_hidden_layers", 2},
                        {"num_attention_heads", 2},
                        {"intermediate_size", 12},
                        {"max_position_embeddings", 16},
                        {"type_vocab_size", 2},
                        {"layer_norm_eps", 1e-12}});
    put("sentence_bert_config.json", {{"max_seq_length", 6}});
    put("1_Pooling/config.json", {{"pooling_mode_mean_tokens", true}, {"pooling_mode_cls_token", false}});
    put("tokenizer.json", tokenizer());
    for (const auto& [name, shape] : bert_tensors(read_minilm_config(path_), "", false)) set(name, shape.shape);
    save();
  }
  MiniLmFolder(const MiniLmFolder&) = delete;
  MiniLmFolder& operator=(const MiniLmFolder&) = delete;
  ~MiniLmFolder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  void put(const std::string& file, const nlohmann::json& value) const { base::write_file(path_ / file, value.dump()); }
  /// Changes one field of a JSON file; null removes it.
  void change(const std::string& file, const std::string& pointer, const nlohmann::json& value) const {
    auto json = nlohmann::json::parse(base::read_file(path_ / file));
    json[nlohmann::json::json_pointer(pointer)] = value;
    if (value.is_null()) json.erase(pointer.substr(1));
    put(file, json);
  }
  /// Gives a tensor that shape and values that differ from name to name.
  void set(const std::string& name, const std::vector<std::uint64_t>& shape) {
    std::size_t size = 1;
    for (const std::uint64_t extent : shape) size *= static_cast<std::size_t>(extent);
    std::vector<float> values(size);
    for (std::size_t i = 0; i < size; ++i)
      values[i] = static_cast<float>(std::sin(0.7 * static_cast<double>(i * i + i) + static_cast<double>(name.size())));
    tensors_[name] = {shape, values};
  }
  void fill(const std::string& name, float value) {
    tensors_.at(name).values.assign(tensors_.at(name).values.size(), value);
  }
  void erase(const std::string& name) { tensors_.erase(name); }
  void save() const {
    std::map<std::string, TensorView> views;
    for (const auto& [name, tensor] : tensors_)
      views[name] = {"F32", tensor.shape, std::as_bytes(std::span(tensor.values))};
    write_safetensors(path_ / "model.safetensors", views, {});
  }

 private:
  struct Values {
    std::vector<std::uint64_t> shape;
    std::vector<float> values;
  };

  static nlohmann::json tokenizer() {
    return nlohmann::json::parse(R"({
      "added_tokens": [],
      "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
      "pre_tokenizer": {"type": "BertPreTokenizer"},
      "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
      "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
                "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "sea": 3, "##s": 4, "wind": 5, "salt": 6, "a": 7, "b": 8, "c": 9}}})");
  }

  std::filesystem::path path_;
  std::map<std::string, Values> tensors_;
};

}  // namespace larimar::model
