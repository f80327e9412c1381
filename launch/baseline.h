#pragma once
// Systems that an evaluation compares the memory with: each answers the same queries about the same contexts.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "common/text/tokenizer.h"
#include "eval/row.h"
#include "eval/trial.h"
#include "launch/commands.h"

namespace larimar::launch {

/// Values of --system.
inline constexpr const char* kMemorySystem = "larimar";
inline constexpr const char* kFullContextSystem = "full-context";
inline constexpr const char* kBm25System = "bm25";
inline constexpr const char* kMiniLmSystem = "minilm";

/// What rows say about a language model that reranks or words answers; null without one. `setup` is resolved. Local.
[[nodiscard]] nlohmann::ordered_json language_of(const JobSetup& setup);

/// A system under test other than the memory, ready to be asked.
struct Baseline {
  std::shared_ptr<const text::Tokenizer> tokenizer;  // of larimar's model: it counts lengths, as in larimar's own rows
  nlohmann::json description;                        // for the manifest: what decides its answers
  eval::RowSystem row;                               // what rows say about it
  eval::AskFunction ask;                             // owns the networks
};

/// Loads what `command.system` names: "full-context", "bm25" or "minilm". `key_modes`: how many the run asks for.
/// Calls   local; such a system runs in one process.
/// Throws  ConfigError for more ranks than one, a window that the model does not have, several
///         key modes, or options of another system; MissingInputError or FormatError naming a model's file.
[[nodiscard]] Baseline load_baseline(const EvalCommand& command, std::size_t key_modes, int ranks);

}  // namespace larimar::launch
