#include <iostream>
#include <nlohmann/json.hpp>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/model/runtime.h"
#include "eval/model_quality.h"
#include "launch/commands.h"
#include "launch/networks.h"

namespace larimar::launch {

int eval_model_command(const ModelEvalCommand& command) {
  const JobSetup setup = resolve(command.setup);
  model::set_threads(setup.threads);
  base::make_folder(command.out);
  const Networks networks = load_networks(setup, {.codes = true, .keys = false, .decoder = true});
  eval::QualityOptions options;
  options.max_segments = static_cast<std::size_t>(command.segments);
  options.seed = command.seed;
  const auto quality = eval::measure_model(
      command.data, {*networks.codes, *networks.decoder, *networks.tokenizer, networks.decoder_tokenizer.get()},
      options, [](const std::string& line) { base::log(base::LogLevel::kInfo, line); });
  base::write_file(command.out / "model.json", quality.dump(2) + "\n");
  std::cout << quality.dump(2) << std::endl;
  return 0;
}

}  // namespace larimar::launch
