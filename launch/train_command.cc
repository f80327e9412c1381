#include <iostream>

#include "common/comm/agree.h"
#include "common/comm/same.h"
#include "common/model/runtime.h"
#include "launch/commands.h"
#include "launch/devices.h"

namespace larimar::launch {

int train_command(comm::Transport& transport, const TrainCommand& command) {
  transport.set_patience(command.setup.patience);
  comm::together(transport, [&] { model::set_threads(command.setup.threads); });
  // Bits of a gradient depend on the threads that made it.
  if (transport.size() > 1) {
    comm::require_same(transport, {{"the setting threads", std::to_string(command.setup.threads),
                                    "give all ranks the same --threads"}});
  }
  train::TrainOptions options = command.options;
  options.device = one_kind_of_device(transport, options.device);
  train::train_compact(options, transport, [](const std::string& line) { std::cout << line << std::endl; });
  return 0;
}

}  // namespace larimar::launch
