#include <iostream>

#include "common/model/runtime.h"
#include "launch/commands.h"

namespace larimar::launch {

int train_command(const train::TrainOptions& options, int threads) {
  model::set_threads(threads);
  train::train_compact(options, [](const std::string& line) { std::cout << line << std::endl; });
  return 0;
}

}  // namespace larimar::launch
