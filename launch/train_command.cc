#include <iostream>

#include "common/base/error.h"
#include "common/comm/agree.h"
#include "common/comm/same.h"
#include "common/model/compact_config.h"
#include "common/model/runtime.h"
#include "launch/commands.h"
#include "launch/devices.h"
#include "launch/model_ids.h"
#include "launch/setup.h"

namespace larimar::launch {
namespace {

/// What the folders decide: how codes look, and whose they are.
train::TrainOptions with_folders(train::TrainOptions options) {
  train::InjectionOptions& injection = options.injection;
  if (injection.codes.empty()) {
    if (options.tokenizer.empty()) throw base::UsageError("--tokenizer is needed: a tokenizer.json for the new model");
    return options;
  }
  options.sizes = model::read_compact_config(injection.codes / "config.json");
  options.tokenizer = injection.codes / "tokenizer.json";
  model::take_codes_of(injection.sizes, options.sizes);
  JobSetup setup;
  setup.model = injection.codes;
  setup.language = injection.language.empty() ? deps_folder() / "smollm2" : injection.language;
  check_language_folder(setup);
  injection.language = setup.language;
  injection.sizes.codes_of = model_id(setup);
  injection.sizes.language_hash = language_id(setup);
  return options;
}

}  // namespace

int train_command(comm::Transport& transport, const TrainCommand& command) {
  transport.set_patience(command.setup.patience);
  comm::together(transport, [&] { model::set_threads(command.setup.threads); });
  // Bits of a gradient depend on the threads that made it.
  if (transport.size() > 1) {
    comm::require_same(transport, {{"the setting threads", std::to_string(command.setup.threads),
                                    "give all ranks the same --threads"}});
  }
  train::TrainOptions options = comm::together(transport, [&] { return with_folders(command.options); });
  options.device = one_kind_of_device(transport, options.device);
  train::train_model(options, transport, [](const std::string& line) { std::cout << line << std::endl; });
  return 0;
}

}  // namespace larimar::launch
