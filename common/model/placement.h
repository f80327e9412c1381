#pragma once
#include <ATen/core/Tensor.h>

#include <string>

#include "common/model/encoders.h"
#include "common/model/language_model.h"

namespace larimar::model {

/// The device and type of a placement, checked to be there; "cuda" is the first device. float16 needs a GPU. bfloat16 on a processor needs its
/// own instructions for it (AVX512-BF16 or AMX): without them LibTorch's product is about 30 times slower than float32.
/// Throws ConfigError (exit 78) naming what is lacking and what to choose instead.
[[nodiscard]] at::TensorOptions tensor_options(const Placement& placement);

/// The device of an encoder, whose weights are float32. Throws ConfigError as above, and for integers beside the CPU.
[[nodiscard]] at::Device encoder_device(const std::string& name, Arithmetic arithmetic);

}  // namespace larimar::model
