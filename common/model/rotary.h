#pragma once
// Rotary positions. LibTorch types.
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "common/model/causal_config.h"

namespace larimar::model {

struct RotaryAngles {
  at::Tensor cosine, sine;
};

/// Turns heads x [rows, tokens, heads, size]; components beyond d stay as they are. Returns a new contiguous tensor.
[[nodiscard]] at::Tensor turn(const at::Tensor& x, const RotaryAngles& angles);

/// Cosine and sine of every position times every frequency, made as they are needed, rounded as the Python library
/// rounds them: an angle of thousands of radians in float32 has few digits left, so the order of operations matters.
class RotaryTables {
 public:
  RotaryTables(const RotaryConfig& config, const at::TensorOptions& options);

  /// Cosine and sine at positions [1 or rows, tokens] int64, none at or above `limit`: each [.., tokens, 1, d/2].
  /// `is_long` takes long-rope's frequencies for long texts.
  [[nodiscard]] RotaryAngles angles(const at::Tensor& positions, std::int64_t limit, bool is_long);

 private:
  struct Tables {
    at::Tensor frequencies;   // [d/2] float32, on the CPU
    at::Tensor cosine, sine;  // [positions so far, d/2]
  };
  void extend(Tables& tables, std::int64_t positions) const;

  RotaryConfig config_;
  at::TensorOptions options_;
  Tables usual_, long_;
};

/// [d/2] float32.
[[nodiscard]] at::Tensor rotary_frequencies(const RotaryConfig& config, bool is_long);

}  // namespace larimar::model
