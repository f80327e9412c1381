#pragma once
#include <ATen/core/Tensor.h>

#include "common/model/language_model.h"

namespace larimar::model {

/// The device and type of a placement, checked to be there. float16 needs a GPU. bfloat16 on a processor needs its
/// own instructions for it (AVX512-BF16 or AMX): without them LibTorch's product is about 30 times slower than float32.
/// Throws ConfigError (exit 78) naming what is lacking and what to choose instead.
[[nodiscard]] at::TensorOptions tensor_options(const Placement& placement);

}  // namespace larimar::model
