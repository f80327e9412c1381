#include "common/model/minilm_config.h"

#include <nlohmann/json.hpp>
#include <string>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::model {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kMaxExtent = std::uint64_t{1} << 20;  // far above any such model; keeps products small
constexpr std::uint64_t kMaxLayers = 1024;

/// One JSON file of fields; errors name file and field.
class Fields {
 public:
  explicit Fields(const std::filesystem::path& path) : where_(path.string()) {
    try {
      root_ = Json::parse(base::read_file(path));
    } catch (const Json::parse_error& error) {
      throw base::FormatError(where_ + " is not JSON at byte " + std::to_string(error.byte));
    }
    if (!root_.is_object()) throw base::FormatError(where_ + " must hold one JSON object");
  }

  template <class T>
  [[nodiscard]] T get(const std::string& name) const {
    try {
      return root_.at(name).get<T>();
    } catch (const Json::exception&) {
      throw base::FormatError(where_ + ": field \"" + name + "\" is missing or of the wrong kind");
    }
  }

  [[nodiscard]] std::uint64_t size(const std::string& name, std::uint64_t most) const {
    const auto value = get<Json>(name);
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() == 0 || value.get<std::uint64_t>() > most) {
      throw base::FormatError(where_ + ": field \"" + name + "\" is " + value.dump() + ", expected 1 to " +
                              std::to_string(most));
    }
    return value.get<std::uint64_t>();
  }

  template <class T>
  void expect(const std::string& name, const T& wanted) const {
    if (get<T>(name) != wanted) {
      throw base::FormatError(where_ + ": field \"" + name + "\" is " + get<Json>(name).dump() +
                              ", this encoder needs " + Json(wanted).dump());
    }
  }

  template <class T>
  void expect_if_present(const std::string& name, const T& wanted) const {
    if (root_.contains(name)) expect(name, wanted);
  }

 private:
  std::string where_;
  Json root_;
};

void check_pooling(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return;
  const Fields fields(path);
  fields.expect("pooling_mode_mean_tokens", true);
  for (const char* other : {"pooling_mode_cls_token", "pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens"}) {
    fields.expect_if_present(other, false);
  }
}

}  // namespace

MiniLmConfig read_minilm_config(const std::filesystem::path& folder) {
  const Fields fields(folder / "config.json");
  fields.expect<std::string>("model_type", "bert");
  fields.expect<std::string>("hidden_act", "gelu");
  fields.expect_if_present<std::string>("position_embedding_type", "absolute");
  MiniLmConfig config{.vocabulary = fields.size("vocab_size", kMaxExtent),
                      .hidden = fields.size("hidden_size", kMaxExtent),
                      .layers = fields.size("num_hidden_layers", kMaxLayers),
                      .heads = fields.size("num_attention_heads", kMaxExtent),
                      .intermediate = fields.size("intermediate_size", kMaxExtent),
                      .positions = fields.size("max_position_embeddings", kMaxExtent),
                      .token_types = fields.size("type_vocab_size", kMaxExtent),
                      .norm_epsilon = fields.get<double>("layer_norm_eps")};
  const std::string where = (folder / "config.json").string();
  if (config.hidden % config.heads != 0)
    throw base::FormatError(where + ": hidden_size must be a multiple of num_attention_heads");
  if (!(config.norm_epsilon >= 0 && config.norm_epsilon < 1))
    throw base::FormatError(where + ": layer_norm_eps must lie in 0 to 1");
  const auto sentence = folder / "sentence_bert_config.json";
  const bool limited = std::filesystem::exists(sentence);
  config.max_tokens =
      static_cast<std::size_t>(limited ? Fields(sentence).size("max_seq_length", config.positions) : config.positions);
  if (config.max_tokens < 3) throw base::FormatError(folder.string() + ": a text must be allowed at least 3 tokens");
  check_pooling(folder / "1_Pooling/config.json");
  return config;
}

TensorShapes minilm_tensors(const MiniLmConfig& config) {
  TensorShapes tensors;
  const auto matrix = [&](const std::string& name, std::uint64_t rows, std::uint64_t columns) {
    tensors[name] = {"F32", {rows, columns}};
  };
  const auto affine = [&](const std::string& name, std::uint64_t out, std::uint64_t in) {
    matrix(name + ".weight", out, in);
    tensors[name + ".bias"] = {"F32", {out}};
  };
  const auto norm = [&](const std::string& name) {
    tensors[name + ".weight"] = {"F32", {config.hidden}};
    tensors[name + ".bias"] = {"F32", {config.hidden}};
  };
  matrix("embeddings.word_embeddings.weight", config.vocabulary, config.hidden);
  matrix("embeddings.position_embeddings.weight", config.positions, config.hidden);
  matrix("embeddings.token_type_embeddings.weight", config.token_types, config.hidden);
  norm("embeddings.LayerNorm");
  for (std::uint64_t layer = 0; layer < config.layers; ++layer) {
    const std::string prefix = "encoder.layer." + std::to_string(layer) + ".";
    for (const char* part : {"query", "key", "value"})
      affine(prefix + "attention.self." + part, config.hidden, config.hidden);
    affine(prefix + "attention.output.dense", config.hidden, config.hidden);
    norm(prefix + "attention.output.LayerNorm");
    affine(prefix + "intermediate.dense", config.intermediate, config.hidden);
    affine(prefix + "output.dense", config.hidden, config.intermediate);
    norm(prefix + "output.LayerNorm");
  }
  return tensors;
}

}  // namespace larimar::model
