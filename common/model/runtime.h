#pragma once
#include <string>

namespace larimar::model {

/// Threads that LibTorch's operators of this process may use, for the whole process. Call before the first network runs.
/// Throws ConfigError unless threads >= 1. Bits of a result depend on it: keep it the same on all ranks.
void set_threads(int threads);

/// "2.11.0"
[[nodiscard]] std::string torch_version();

}  // namespace larimar::model
