#include "launch/setup.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "common/base/error.h"
#include "coordinator/rerank.h"
#include "launch/static_keys.h"

namespace larimar::launch {
namespace {

namespace fs = std::filesystem;
constexpr const char* kModel = "models/larimar-compact";
// Below the prefix of an installation (cmake/LarimarInstall.cmake).
constexpr const char* kInstalledHome = "share/larimar";
constexpr const char* kInstalledDeps = "lib/larimar";
constexpr const char* kOwnKeyMemory = "model";  // --m0
constexpr double kUsualScope = 0.3;
constexpr double kNoScope = -1e30;  // below any dot product of codes

bool has_file(const fs::path& path) {
  std::error_code code;
  return fs::is_regular_file(path, code);
}

/// Reranking and reading take seconds a question on a CPU: smaller batches, so that nobody waits for long in one exchange.
constexpr std::size_t kLanguageBatch = 4;

void check_language(JobSetup& setup) {
  check_language_folder(setup);
  const memory::MemoryRules& rules = setup.memory;
  if (setup.rerank &&
      (rules.key_memory != memory::KeyMemory::kStored || rules.aggregation != memory::Aggregation::kBest))
    throw base::ConfigError(
        "--rerank orders whole segments: it needs stored keys with aggregation best, not a codebook "
        "or a blend");
  setup.batch = std::min(setup.batch, kLanguageBatch);
  setup.candidates = std::max(setup.candidates, setup.reads);
}

/// A folder by its path, or by its name among the models that come with the program.
void check_decoder_model(JobSetup& setup) {
  if (setup.decoder_model.empty()) {
    if (setup.code_reader)
      throw base::ConfigError(
          "--reader codes needs --decoder-model, say larimar-smol: a language model that reads codes");
    return;
  }
  const fs::path shipped = home_folder() / "models" / setup.decoder_model;
  if (!has_file(setup.decoder_model / "config.json") && has_file(shipped / "config.json"))
    setup.decoder_model = shipped;
  if (!has_file(setup.decoder_model / "config.json")) {
    throw base::MissingInputError(
        "--decoder-model " + setup.decoder_model.string() +
        ": there is no config.json; name a folder that larimar train --codes-of wrote, or larimar-smol");
  }
  check_language_folder(setup);
  if (setup.code_reader) setup.batch = std::min(setup.batch, kLanguageBatch);
}

/// What --keys static cannot be put together with, and the table.
void check_static(JobSetup& setup) {
  if (setup.keys != "static") {
    if (!setup.key_table.empty())
      throw base::ConfigError("--key-table is for --keys static; these keys are made by " + setup.keys);
    return;
  }
  const memory::MemoryRules& rules = setup.memory;
  if (rules.key_memory != memory::KeyMemory::kStored || rules.aggregation != memory::Aggregation::kBest)
    throw base::ConfigError(
        "--keys static finds whole segments for MiniLM to choose from: it needs stored keys with aggregation best, not "
        "a "
        "codebook or a blend");
  if (setup.key_table.empty()) setup.key_table = usual_key_table();
  if (!has_file(setup.key_table))
    throw base::ConfigError("--keys static: there is no table " + setup.key_table.string() +
                            "; larimar static-keys makes it, or name one with --key-table");
  setup.batch = std::min(setup.batch, kShortlistBatch);
}

}  // namespace

fs::path home_folder() {
  std::vector<fs::path> candidates;
  if (const char* home = std::getenv("LARIMAR_HOME"); home != nullptr) candidates.emplace_back(home);
  std::error_code code;
  const fs::path program = fs::read_symlink("/proc/self/exe", code);
  candidates.push_back(program.parent_path().parent_path().parent_path());     // HOME/build/release/larimar
  candidates.push_back(program.parent_path().parent_path() / kInstalledHome);  // PREFIX/bin/larimar
  candidates.push_back(fs::current_path(code));
  for (const fs::path& candidate : candidates) {
    if (has_file(candidate / kModel / "config.json")) return candidate;
  }
  return candidates.back();
}

fs::path deps_folder() {
  const char* named = std::getenv("LARIMAR_DEPS");
  if (named != nullptr && *named != '\0') return named;
  const fs::path home = home_folder(), prefix = home.parent_path().parent_path();
  return home == prefix / kInstalledHome ? prefix / kInstalledDeps : home / ".deps";
}

void check_language_folder(const JobSetup& setup) {
  if (has_file(setup.language / "config.json")) return;
  throw base::ConfigError("a language model is needed, and there is no config.json in " + setup.language.string() +
                          "; run launch/install.sh, or name a folder with --language-model");
}

void resolve_rules(JobSetup& setup) {
  memory::MemoryRules& rules = setup.memory;
  const bool codebook = rules.slots > 0 || !setup.m0.empty();
  rules.key_memory = codebook ? memory::KeyMemory::kCodebook : memory::KeyMemory::kStored;
  rules.aggregation =
      setup.aggregation.value_or(memory::usual_aggregation(rules.addressing, rules.key_memory, rules.solve));
  memory::MemoryRules checked = rules;
  if (!setup.m0.empty()) checked.slots = std::max<std::size_t>(checked.top, 1);  // K is in the file
  memory::check(checked, 0, 0);
}

JobSetup resolve(JobSetup setup) {
  if (setup.model.empty()) setup.model = home_folder() / kModel;
  const bool own_key_memory = setup.m0 == kOwnKeyMemory;
  if (own_key_memory) {
    setup.m0 = setup.model / "m0.safetensors";
    if (!has_file(setup.m0))
      throw base::MissingInputError("--m0 model: the model folder " + setup.model.string() + " has no m0.safetensors");
  }
  resolve_rules(setup);
  if (setup.keys_folder.empty()) setup.keys_folder = deps_folder() / "minilm";
  const bool minilm = has_file(setup.keys_folder / "model.safetensors");
  if (setup.keys == "auto") setup.keys = own_key_memory ? "code" : minilm ? "minilm" : "model";
  if (!setup.scope) setup.scope = setup.keys == "code" ? kNoScope : kUsualScope;
  if (!setup.key_weight) setup.key_weight = setup.keys == "code" ? 0.0 : coordinator::kKeyWeight;
  if ((setup.keys == "minilm" || setup.keys == "static") && !minilm) {
    throw base::ConfigError("--keys " + setup.keys + ": no model.safetensors in " + setup.keys_folder.string() +
                            "; run launch/install.sh, name the folder with --keys-folder, or use --keys model");
  }
  check_static(setup);
  if (setup.language.empty()) setup.language = deps_folder() / "smollm2";
  if (needs_language(setup)) check_language(setup);
  check_decoder_model(setup);
  if (!has_file(setup.model / "config.json")) {
    throw base::MissingInputError("the model folder " + setup.model.string() +
                                  " has no config.json; name one with --model");
  }
  return setup;
}

shard::KeyMode parse_key_mode(const std::string& name) {
  if (name == "prefix") return shard::KeyMode::kPrefix;
  if (name == "segment") return shard::KeyMode::kSegment;
  if (name == "sentence") return shard::KeyMode::kSentence;
  throw base::UsageError("key mode \"" + name + "\" is not known: use prefix, segment or sentence");
}

namespace {
nlohmann::json all_but_dtype(const JobSetup& setup) {
  const bool window = setup.rules.segments.form == text::SegmentForm::kWindow;
  return {{"model", setup.model.string()},
          {"keys", setup.keys},
          {"keys_folder", setup.keys_folder.string()},
          {"key_mode", setup.key_mode},
          {"prefix_words", setup.rules.prefix_words},
          {"segment", window ? "window" : "sentence"},
          {"max_tokens", setup.rules.segments.max_tokens},
          {"strict", setup.rules.strict},
          {"max_line", setup.rules.max_line_bytes},
          {"addressing", memory::name_of(setup.memory.addressing)},
          {"key_memory", memory::name_of(setup.memory.key_memory)},
          {"aggregation", memory::name_of(setup.memory.aggregation)},
          {"solve", memory::name_of(setup.memory.solve)},
          {"read_weights", memory::name_of(setup.memory.read_weights)},
          {"slots", setup.memory.slots},
          {"m0", setup.m0.string()},
          {"ridge", setup.memory.ridge},
          {"alpha", setup.memory.alpha},
          {"temperature", setup.memory.temperature},
          {"top", setup.memory.top},
          {"steps", setup.memory.steps},
          {"reads", setup.reads},
          {"scope", setup.scope.value_or(kUsualScope)},
          {"calibrate", setup.calibrate.string()},
          {"rerank", setup.rerank ? "likelihood" : "none"},
          {"candidates", setup.rerank ? setup.candidates : 0},
          {"reader", setup.code_reader ? "codes"
                     : setup.reader    ? "smollm2"
                                       : "none"},
          {"language_model", needs_language(setup) || !setup.decoder_model.empty() ? setup.language.string() : ""},
          {"batch", setup.batch},
          {"device", setup.device},
          {"threads", setup.threads},
          {"decoders", setup.decoders},
          {"patience", setup.patience},
          {"seed", setup.seed}};
}
}  // namespace

nlohmann::json to_json(const JobSetup& setup) {
  nlohmann::json fields = all_but_dtype(setup);
  if (!setup.decoder_model.empty()) fields["decoder_model"] = setup.decoder_model.string();
  if (setup.dtype != "float32")
    fields["dtype"] = setup.dtype;  // the usual one is left out, as it was before there was a choice
  if (setup.arithmetic == model::Arithmetic::kInteger) fields["arithmetic"] = "integer";
  if (setup.encode_device != "cpu") fields["encode_device"] = setup.encode_device;
  if (setup.keys == "static") {
    fields["key_table"] = setup.key_table.string();
    fields["shortlist"] = setup.shortlist;
  }
  if (setup.rerank) fields["key_weight"] = setup.key_weight.value_or(coordinator::kKeyWeight);
  if (setup.key_store != shard::KeyStore::kFloat32) fields["key_store"] = shard::name_of(setup.key_store);
  return fields;
}

}  // namespace larimar::launch
