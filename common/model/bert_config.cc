#include "common/model/bert_config.h"

#include "common/base/error.h"

namespace larimar::model {
namespace {

constexpr std::uint64_t kMaxExtent = std::uint64_t{1} << 20;  // far above any such model; keeps products small
constexpr std::uint64_t kMaxLayers = 1024;

}  // namespace

BertConfig read_bert_config(const JsonFields& fields) {
  fields.expect<std::string>("model_type", "bert");
  fields.expect<std::string>("hidden_act", "gelu");
  fields.expect_if_present<std::string>("position_embedding_type", "absolute");
  const BertConfig config{.vocabulary = fields.size("vocab_size", kMaxExtent),
                          .hidden = fields.size("hidden_size", kMaxExtent),
                          .layers = fields.size("num_hidden_layers", kMaxLayers),
                          .heads = fields.size("num_attention_heads", kMaxExtent),
                          .intermediate = fields.size("intermediate_size", kMaxExtent),
                          .positions = fields.size("max_position_embeddings", kMaxExtent),
                          .token_types = fields.size("type_vocab_size", kMaxExtent),
                          .norm_epsilon = fields.get<double>("layer_norm_eps")};
  if (config.hidden % config.heads != 0)
    throw base::FormatError(fields.file() + ": hidden_size must be a multiple of num_attention_heads");
  if (!(config.norm_epsilon >= 0 && config.norm_epsilon < 1))
    throw base::FormatError(fields.file() + ": layer_norm_eps must lie in 0 to 1");
  return config;
}

TensorShapes bert_tensors(const BertConfig& config, const std::string& prefix, bool pooler) {
  TensorShapes tensors;
  const auto matrix = [&](const std::string& name, std::uint64_t rows, std::uint64_t columns) {
    tensors[prefix + name] = {"FLOAT", {rows, columns}};
  };
  const auto affine = [&](const std::string& name, std::uint64_t out, std::uint64_t in) {
    matrix(name + ".weight", out, in);
    tensors[prefix + name + ".bias"] = {"FLOAT", {out}};
  };
  const auto norm = [&](const std::string& name) {
    for (const char* part : {".weight", ".bias"}) tensors[prefix + name + part] = {"FLOAT", {config.hidden}};
  };
  matrix("embeddings.word_embeddings.weight", config.vocabulary, config.hidden);
  matrix("embeddings.position_embeddings.weight", config.positions, config.hidden);
  matrix("embeddings.token_type_embeddings.weight", config.token_types, config.hidden);
  norm("embeddings.LayerNorm");
  for (std::uint64_t layer = 0; layer < config.layers; ++layer) {
    const std::string part = "encoder.layer." + std::to_string(layer) + ".";
    for (const char* which : {"query", "key", "value"})
      affine(part + "attention.self." + which, config.hidden, config.hidden);
    affine(part + "attention.output.dense", config.hidden, config.hidden);
    norm(part + "attention.output.LayerNorm");
    affine(part + "intermediate.dense", config.intermediate, config.hidden);
    affine(part + "output.dense", config.hidden, config.intermediate);
    norm(part + "output.LayerNorm");
  }
  if (pooler) affine("pooler.dense", config.hidden, config.hidden);
  return tensors;
}

}  // namespace larimar::model
