#include "launch/baseline.h"

#include <utility>

#include "common/base/error.h"
#include "common/model/language_model.h"
#include "common/model/runtime.h"
#include "eval/baseline/full_context.h"
#include "launch/model_ids.h"
#include "launch/networks.h"

namespace larimar::launch {
namespace {

namespace fs = std::filesystem;

// The model must outlive what asks it.
struct Reading {
  LanguageParts parts;
  eval::baseline::FullContext system;

  Reading(LanguageParts loaded, std::size_t window)
      : parts(std::move(loaded)), system(*parts.model, *parts.tokenizer, window) {}
};

Baseline load_full_context(const EvalCommand& command, const JobSetup& setup) {
  if (setup.rerank || setup.reader) {
    throw base::ConfigError(
        "--system full-context reads the context itself: leave out --rerank and --reader, or use bm25 or minilm");
  }
  check_language_folder(setup);
  const auto reading = std::make_shared<Reading>(load_language(setup), command.window);
  Baseline baseline;
  baseline.row.name = folder_name(setup.language) + " full context";
  baseline.row.model = folder_name(setup.language);
  baseline.row.retrieves = false;
  baseline.description = {{"language_model", language_id(setup)},
                          {"language_dtype", setup.language_dtype},
                          {"window", reading->system.window()},
                          {"truncation", "middle"},
                          {"answer_tokens", text::kMostAnswerTokens}};
  baseline.ask = [reading](const eval::Trial& trial) { return reading->system.ask(trial); };
  return baseline;
}

// Before anything is loaded, which takes time.
void check_command(const EvalCommand& command, std::size_t key_modes, int ranks) {
  if (ranks > 1) {
    throw base::ConfigError("--system " + command.system + " runs in one process, not on " + std::to_string(ranks) +
                            " ranks; start it without mpirun");
  }
  if (key_modes > 1) {
    throw base::ConfigError("--system " + command.system +
                            " has no key modes and would ask everything again for each; give --key-modes one value");
  }
}

}  // namespace

Baseline load_baseline(const EvalCommand& command, std::size_t key_modes, int ranks) {
  check_command(command, key_modes, ranks);
  JobSetup setup = command.setup;
  const bool full_context = command.system == "full-context";
  const JobSetup resolved = resolve(std::move(setup));
  model::set_threads(resolved.threads);
  if (!full_context) throw base::UsageError("--system " + command.system + " is not known");
  Baseline baseline = load_full_context(command, resolved);
  baseline.row.has_key_modes = false;
  baseline.description["system"] = command.system;
  baseline.tokenizer = load_segmenting(resolved).tokenizer;
  return baseline;
}

}  // namespace larimar::launch
