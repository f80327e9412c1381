#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/model/json_fields.h"

namespace larimar::model {

enum class Activation { kSilu, kGelu, kGeluTanh, kRelu };
enum class RotaryScaling { kNone, kLinear, kLlama3, kLongRope };

/// How positions turn queries and keys. Frequency i of d/2 is theta^(-2i/d), then scaled.
struct RotaryConfig {
  double theta = 10000;
  std::uint64_t size = 0;  // d: leading components of a head that are turned; even
  RotaryScaling scaling = RotaryScaling::kNone;
  double factor = 1;                             // linear, llama3
  double low_frequency = 1, high_frequency = 4;  // llama3
  std::uint64_t original_positions = 0;          // llama3, long-rope: what the model was first trained on
  std::vector<double> short_factors = {},
                      long_factors = {};  // long-rope: d/2 each, for texts within and beyond those positions
  double attention_factor = 1;            // long-rope: on cosine and sine
};

/// The sizes of a causal language model, checked against each other, and what its family leaves open.
struct CausalConfig {
  std::string architecture;  // "gpt2", "llama", "mistral", "phi3"
  std::uint64_t vocabulary = 0;
  std::uint64_t hidden = 0;
  std::uint64_t layers = 0;
  std::uint64_t heads = 0;
  std::uint64_t kv_heads = 0;   // divides heads
  std::uint64_t head_size = 0;  // of a query, key or value
  std::uint64_t intermediate = 0;
  std::uint64_t positions = 0;
  std::uint64_t window = 0;  // a position sees this many, itself included; 0: all before it
  double norm_epsilon = 0;
  Activation activation = Activation::kSilu;
  bool is_tied = false;                // output weights are the token embedding
  std::optional<RotaryConfig> rotary;  // none: learned positions

  /// Long-rope turns a text longer than this with other frequencies; 0 for all other models.
  [[nodiscard]] std::uint64_t long_after() const {
    return rotary && rotary->scaling == RotaryScaling::kLongRope ? rotary->original_positions : 0;
  }
};

/// From the fields of a config.json, or of an object inside one. Fields with a default in Hugging Face's class of that
/// family may be absent.
/// Throws FormatError naming file and field: an architecture that is not known (with the list of those that are), a
/// value of another kind or out of range, sizes that do not fit together, and every setting that would change the
/// numbers and is not implemented here.
[[nodiscard]] CausalConfig read_causal_config(const JsonFields& fields);
/// Throws MissingInputError too.
[[nodiscard]] CausalConfig read_causal_config(const std::filesystem::path& folder);

}  // namespace larimar::model
