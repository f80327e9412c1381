#include "common/model/runtime.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include "common/base/error.h"

namespace larimar::model {

void set_threads(int threads) {
  if (threads < 1) throw base::ConfigError("threads must be at least 1, not " + std::to_string(threads));
  at::set_num_threads(threads);
}

std::string torch_version() { return TORCH_VERSION; }

}  // namespace larimar::model
