#pragma once
// What a job is set up with: filled from the command line, equal on all ranks.
#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "common/memory/rules.h"
#include "common/model/encoders.h"
#include "shard/block_encoder.h"
#include "shard/key_store.h"

namespace larimar::launch {

/// What becomes of a job that loses a rank, where the MPI library lets it go on at all.
enum class OnLoss {
  kRecover,  // the others take over what it had
  kDegrade,  // they answer without what it had, and say so
  kEnd,
};

struct JobSetup {
  std::filesystem::path model;        // its folder; empty: the larimar-compact shipped with the program
  std::string keys = "auto";          // "minilm", "static", "model", "code", or "auto": minilm where its folder is
  std::filesystem::path keys_folder;  // of all-MiniLM-L6-v2; empty: where launch/install.sh puts it
  std::filesystem::path key_table;    // of static keys; empty: the one shipped with the program
  std::string key_mode = "segment";   // "prefix", "segment", "sentence"
  std::string device = "cpu";         // of the decoder and the language model: cpu, cuda, cuda:N or auto
  std::string encode_device = "cpu";  // of the encoders, the same
  std::string dtype = "float32";      // of their weights, but for larimar-compact, which is always float32
  model::Arithmetic arithmetic = model::Arithmetic::kFloat;  // of the encoders
  int threads = 1;                                           // of each rank
  int decoders = 1;
  shard::EncodingRules rules;
  memory::MemoryRules memory;                      // key_memory and, unless given, aggregation follow in resolve()
  std::optional<memory::Aggregation> aggregation;  // as given
  std::filesystem::path m0;                        // key memory of a codebook, "model": the model's own; empty: k-means
  shard::KeyStore key_store = shard::KeyStore::kFloat32;  // what scans pass over
  std::filesystem::path key_folder;                       // compressed keys in a mapped file there; empty: in memory
  std::size_t reads = 4;                                  // segments read and decoded for a query
  std::size_t shortlist = 64;                             // of them with static keys, of which MiniLM chooses
  std::optional<double> scope;                            // least key similarity of a query that is in scope
  std::filesystem::path calibrate;   // text not in the context: scope becomes what 95 % of its sentences stay below
  bool rerank = false;               // order the candidates of a question by the language model's likelihood
  std::size_t candidates = 24;       // of a question, where they are reranked
  std::optional<double> key_weight;  // of a key's score beside the likelihood; resolve(): 0 where scores are no cosines
  bool reader = false;               // let the language model word the answers to questions
  bool code_reader = false;          // let decoder_model word them, out of z_read
  std::filesystem::path
      decoder_model;  // language model that reads codes, in place of the model's own decoder; empty: that one
  std::filesystem::path language;  // its folder; empty: where launch/install.sh puts SmolLM2
  std::size_t batch = 64;          // queries read together
  double patience = 300;           // seconds of silence after which a wait fails
  std::uint64_t seed = 1;          // of the codebook
  OnLoss on_loss = OnLoss::kRecover;
  bool cache = false;  // keep encoded blocks for further jobs of this process
  bool quiet = false;  // no progress
};

/// Whether the job needs a language model beside the decoder.
[[nodiscard]] inline bool needs_language(const JobSetup& setup) { return setup.rerank || setup.reader; }
/// Whether answers take seconds each on a CPU.
[[nodiscard]] inline bool is_slow(const JobSetup& setup) {
  return needs_language(setup) || setup.code_reader || !setup.decoder_model.empty();
}

/// The folder that holds models/: $LARIMAR_HOME, beside the program's build folder, PREFIX/share/larimar of a program in PREFIX/bin, or
/// the working directory.
[[nodiscard]] std::filesystem::path home_folder();

/// What launch/install.sh unpacked: $LARIMAR_DEPS, or .deps there; of an installed program PREFIX/lib/larimar.
[[nodiscard]] std::filesystem::path deps_folder();

/// Throws ConfigError if setup.language holds no model.
void check_language_folder(const JobSetup& setup);

/// Key memory and aggregation where they follow from the rest. Throws ConfigError as memory::check.
void resolve_rules(JobSetup& setup);

/// The setup with empty folders, "auto", the model's own key memory and the scope made definite. Throws ConfigError naming what is not there and what to do.
[[nodiscard]] JobSetup resolve(JobSetup setup);

/// Throws UsageError for anything but "prefix", "segment", "sentence".
[[nodiscard]] shard::KeyMode parse_key_mode(const std::string& name);

[[nodiscard]] nlohmann::json to_json(const JobSetup& setup);

}  // namespace larimar::launch
