#include "launch/baseline.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/comm/in_process_transport.h"
#include "common/model/language_model.h"
#include "common/model/minilm.h"
#include "common/model/runtime.h"
#include "eval/baseline/bm25.h"
#include "eval/baseline/cosine.h"
#include "eval/baseline/full_context.h"
#include "launch/baseline_retrieval.h"
#include "launch/devices.h"
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
                          {"dtype", setup.dtype},
                          {"window", reading->system.window()},
                          {"truncation", "middle"},
                          {"answer_tokens", text::kMostAnswerTokens}};
  baseline.ask = [reading](const eval::Trial& trial) { return reading->system.ask(trial); };
  return baseline;
}

// What retrieval needs beside the text; each part borrows from those above it.
struct Retrieving {
  Segmenting segmenting;
  std::unique_ptr<model::KeyEncoder> keys;  // of minilm
  std::unique_ptr<eval::baseline::Ranker> ranker;
  LanguageParts language;
  std::unique_ptr<decoder::LanguageService> service;
  std::unique_ptr<RetrievalBaseline> system;
};

std::shared_ptr<Retrieving> load_retrieving(const EvalCommand& command, const JobSetup& setup) {
  auto parts = std::make_shared<Retrieving>();
  parts->segmenting = load_segmenting(setup);
  if (command.system == kMiniLmSystem) {
    parts->keys = model::load_minilm(setup.keys_folder);
    parts->ranker = eval::baseline::make_cosine_ranker(*parts->keys);
  } else {
    parts->ranker = eval::baseline::make_bm25_ranker();
  }
  if (needs_language(setup)) {
    parts->language = load_language(setup);
    parts->service = std::make_unique<decoder::LanguageService>(*parts->language.model, *parts->language.tokenizer);
  }
  text::SegmentRules rules = setup.rules.segments;
  rules.max_tokens = std::min(rules.max_tokens, parts->segmenting.max_tokens);
  parts->system = std::make_unique<RetrievalBaseline>(*parts->segmenting.tokenizer, rules, setup, *parts->ranker,
                                                      parts->service.get());
  return parts;
}

nlohmann::json describe_retrieval(const EvalCommand& command, const JobSetup& setup) {
  const nlohmann::json all = to_json(setup);
  nlohmann::json description{{"segmenting", folder_name(setup.model)}};
  for (const char* name : {"segment", "max_tokens", "reads", "rerank", "candidates", "reader"})
    description[name] = all[name];
  if (needs_language(setup)) {
    description["language_model"] = language_id(setup);
    description["dtype"] = setup.dtype;
  }
  if (setup.rerank) description["key_weight"] = setup.key_weight.value();
  if (command.system == kMiniLmSystem) {
    description["keys"] = keys_id(setup);
  } else {
    description["bm25"] = {
        {"k1", eval::baseline::kBm25K1}, {"b", eval::baseline::kBm25B}, {"stemmer", eval::baseline::kBm25Stemmer}};
  }
  return description;
}

Baseline load_retrieval(const EvalCommand& command, const JobSetup& setup) {
  const auto parts = load_retrieving(command, setup);
  Baseline baseline;
  baseline.row.name = command.system + (setup.rerank ? ", reranked" : "") + (setup.reader ? ", with reader" : "");
  baseline.row.model = command.system;
  baseline.row.language = language_of(setup);
  baseline.description = describe_retrieval(command, setup);
  baseline.ask = [parts](const eval::Trial& trial) { return parts->system->ask(trial); };
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

nlohmann::ordered_json language_of(const JobSetup& setup) {
  if (!needs_language(setup)) return nullptr;
  return {{"rerank", setup.rerank ? "likelihood" : "none"},
          {"candidates", setup.rerank ? setup.candidates : 0},
          {"reader", setup.reader ? "smollm2" : "none"},
          {"model", folder_name(setup.language)}};
}

Baseline load_baseline(const EvalCommand& command, std::size_t key_modes, int ranks) {
  check_command(command, key_modes, ranks);
  JobSetup setup = command.setup;
  setup.keys = command.system == kMiniLmSystem ? kMiniLmSystem : "model";  // of no meaning to the others
  // BM25's scores are no cosines.
  if (command.system == kBm25System && !setup.key_weight) setup.key_weight = 0.0;
  setup = resolve(std::move(setup));
  model::set_threads(setup.threads);
  // The language model stands where decoders do; MiniLM of --system minilm stays on the CPU.
  setup = on_devices(*comm::make_single_transport(), setup, {.decoder = true});
  const bool reads_all = command.system == kFullContextSystem;
  Baseline baseline = reads_all ? load_full_context(command, setup) : load_retrieval(command, setup);
  baseline.row.has_key_modes = false;
  baseline.description["system"] = command.system;
  baseline.tokenizer = load_segmenting(setup).tokenizer;
  return baseline;
}

}  // namespace larimar::launch
