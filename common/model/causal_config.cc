#include "common/model/causal_config.h"

#include <cmath>
#include <map>

namespace larimar::model {
namespace {

constexpr std::uint64_t kMaxExtent = std::uint64_t{1} << 20;  // far above any such model; keeps products small
constexpr std::uint64_t kMaxPositions = std::uint64_t{1} << 24;
constexpr std::uint64_t kMaxLayers = 1024;
constexpr double kLargest = 1e12;

Activation read_activation(const JsonFields& fields, const std::string& name, const std::string& otherwise) {
  static const std::map<std::string, Activation> kKnown{{"silu", Activation::kSilu},
                                                        {"swish", Activation::kSilu},
                                                        {"gelu", Activation::kGelu},
                                                        {"gelu_new", Activation::kGeluTanh},
                                                        {"gelu_pytorch_tanh", Activation::kGeluTanh},
                                                        {"relu", Activation::kRelu}};
  const auto found = kKnown.find(fields.text_or(name, otherwise));
  if (found == kKnown.end()) fields.refuse(name, "one of silu, swish, gelu, gelu_new, gelu_pytorch_tanh, relu");
  return found->second;
}

void read_llama3(const JsonFields& fields, RotaryConfig& rotary) {
  rotary.factor = fields.number("factor", 1, kLargest);
  rotary.low_frequency = fields.number("low_freq_factor", 1e-3, kLargest);
  rotary.high_frequency = fields.number("high_freq_factor", 1e-3, kLargest);
  rotary.original_positions = fields.size("original_max_position_embeddings", kMaxPositions);
  if (rotary.high_frequency <= rotary.low_frequency) fields.refuse("high_freq_factor", "more than low_freq_factor");
}

void read_long_rope(const JsonFields& all, const JsonFields& fields, std::uint64_t positions, RotaryConfig& rotary) {
  const auto count = static_cast<std::size_t>(rotary.size / 2);
  rotary.short_factors = fields.numbers("short_factor", count, 1e-6, kLargest);
  rotary.long_factors = fields.numbers("long_factor", count, 1e-6, kLargest);
  const JsonFields& owner = all.is_given("original_max_position_embeddings") ? all : fields;
  rotary.original_positions = owner.size("original_max_position_embeddings", kMaxPositions);
  if (rotary.original_positions < 2) owner.refuse("original_max_position_embeddings", "at least 2");
  const double ratio = static_cast<double>(positions) / static_cast<double>(rotary.original_positions);
  const double usual =
      ratio <= 1 ? 1 : std::sqrt(1 + std::log(ratio) / std::log(static_cast<double>(rotary.original_positions)));
  rotary.attention_factor = fields.number_or("attention_factor", 1e-3, 1e3, usual);
}

/// rope_scaling, or rope_parameters as newer versions of the library write it, with theta inside.
RotaryConfig read_rotary(const JsonFields& fields, const CausalConfig& config, bool may_be_partial) {
  const bool is_new = fields.is_given("rope_parameters");
  const std::string name = is_new ? "rope_parameters" : "rope_scaling";
  const bool is_scaled = fields.is_given(name);
  const JsonFields inner = is_scaled ? fields.object(name) : fields;
  RotaryConfig rotary;
  rotary.theta = (is_new && inner.is_given("rope_theta") ? inner : fields).number_or("rope_theta", 1, kLargest, 10000);
  const JsonFields& partial = is_new && inner.is_given("partial_rotary_factor") ? inner : fields;
  const double share = partial.number_or("partial_rotary_factor", 0, 1, 1);
  if (share != 1 && !may_be_partial) partial.refuse("partial_rotary_factor", "1 in this architecture");
  rotary.size = static_cast<std::uint64_t>(static_cast<double>(config.head_size) * share);
  if (rotary.size == 0 || rotary.size % 2 != 0)
    partial.refuse("partial_rotary_factor", "a share that turns an even number of a head's components");
  if (!is_scaled) return rotary;
  const std::string kind_name = inner.is_given("rope_type") ? "rope_type" : "type";
  const std::string kind = inner.get<std::string>(kind_name);
  if (kind == "linear") {
    rotary.scaling = RotaryScaling::kLinear;
    rotary.factor = inner.number("factor", 1, kLargest);
  } else if (kind == "llama3") {
    rotary.scaling = RotaryScaling::kLlama3;
    read_llama3(inner, rotary);
  } else if (kind == "longrope" || kind == "su") {
    rotary.scaling = RotaryScaling::kLongRope;
    read_long_rope(fields, inner, config.positions, rotary);
  } else if (kind != "default") {
    inner.refuse(kind_name, "one of default, linear, llama3, longrope");
  }
  return rotary;
}

void check_heads(const JsonFields& fields, const CausalConfig& config, const std::string& name) {
  if (config.hidden % config.heads != 0 && !fields.is_given("head_dim"))
    fields.refuse(name, "a divisor of the hidden size");
  if (config.heads % config.kv_heads != 0) fields.refuse("num_key_value_heads", "a divisor of num_attention_heads");
  if (config.head_size % 2 != 0)
    fields.refuse(fields.is_given("head_dim") ? "head_dim" : name, "an even size of a head");
}

CausalConfig read_gpt2(const JsonFields& fields) {
  CausalConfig config;
  config.vocabulary = fields.size("vocab_size", kMaxExtent);
  config.hidden = fields.size("n_embd", kMaxExtent);
  config.layers = fields.size("n_layer", kMaxLayers);
  config.heads = config.kv_heads = fields.size("n_head", kMaxExtent);
  config.positions = fields.size("n_positions", kMaxPositions);
  config.intermediate = fields.size_or("n_inner", kMaxExtent, 4 * config.hidden);
  config.norm_epsilon = fields.number_or("layer_norm_epsilon", 0, 1, 1e-5);
  config.activation = read_activation(fields, "activation_function", "gelu_new");
  config.is_tied = fields.flag_or("tie_word_embeddings", true);
  fields.require_flag("scale_attn_weights", true);
  fields.require_flag("scale_attn_by_inverse_layer_idx", false);
  fields.require_flag("reorder_and_upcast_attn", false);
  fields.require_flag("add_cross_attention", false);
  config.head_size = config.hidden / config.heads;
  if (config.hidden % config.heads != 0) fields.refuse("n_head", "a divisor of n_embd");
  return config;
}

/// What differs between the families that share Llama's field names.
struct LlamaLike {
  bool has_window;         // sliding_window means something
  std::uint64_t window;    // where the field is absent
  std::uint64_t kv_heads;  // where the field is absent; 0: as many as heads
  bool may_be_partial;     // partial_rotary_factor
  double epsilon;
};

CausalConfig read_llama_like(const JsonFields& fields, const LlamaLike& family) {
  CausalConfig config;
  config.vocabulary = fields.size("vocab_size", kMaxExtent);
  config.hidden = fields.size("hidden_size", kMaxExtent);
  config.layers = fields.size("num_hidden_layers", kMaxLayers);
  config.heads = fields.size("num_attention_heads", kMaxExtent);
  config.kv_heads =
      fields.size_or("num_key_value_heads", kMaxExtent, family.kv_heads == 0 ? config.heads : family.kv_heads);
  config.head_size = fields.size_or("head_dim", kMaxExtent, config.hidden / config.heads);
  config.positions = fields.size("max_position_embeddings", kMaxPositions);
  config.intermediate = fields.size("intermediate_size", kMaxExtent);
  config.norm_epsilon = fields.number_or("rms_norm_eps", 0, 1, family.epsilon);
  config.activation = read_activation(fields, "hidden_act", "silu");
  config.is_tied = fields.flag_or("tie_word_embeddings", false);
  fields.require_flag("attention_bias", false);
  fields.require_flag("mlp_bias", false);
  check_heads(fields, config, "num_attention_heads");
  // Present and null is another thing than absent: Mistral's later versions switch their window off that way.
  if (family.has_window && !fields.is_null("sliding_window"))
    config.window = fields.size_or("sliding_window", kMaxPositions, family.window);
  config.rotary = read_rotary(fields, config, family.may_be_partial);
  return config;
}

}  // namespace

CausalConfig read_causal_config(const JsonFields& fields) {
  const std::string architecture = fields.get<std::string>("model_type");
  if (fields.is_given("quantization_config"))
    fields.refuse("quantization_config", "none: weights must lie in float32, float16 or bfloat16");
  CausalConfig config;
  if (architecture == "gpt2") {
    config = read_gpt2(fields);
  } else if (architecture == "llama") {
    config = read_llama_like(fields, {false, 0, 0, false, 1e-6});
  } else if (architecture == "mistral") {
    config = read_llama_like(fields, {true, 4096, 8, false, 1e-6});
  } else if (architecture == "phi3") {
    config = read_llama_like(fields, {true, 0, 0, true, 1e-5});
  } else {
    fields.refuse("model_type", "one of the known architectures gpt2, llama, mistral, phi3");
  }
  config.architecture = architecture;
  return config;
}

CausalConfig read_causal_config(const std::filesystem::path& folder) {
  return read_causal_config(JsonFields(folder / "config.json"));
}

}  // namespace larimar::model
