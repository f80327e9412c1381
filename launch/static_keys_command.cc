// larimar static-keys: the table of --keys static, from MiniLM and a list of how often pieces occur. One process; no MPI.
#include <CLI/CLI.hpp>
#include <iostream>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/model/minilm.h"
#include "common/model/runtime.h"
#include "common/model/static_table.h"
#include "common/store/hash.h"
#include "launch/commands.h"
#include "launch/options.h"
#include "launch/static_keys.h"

namespace larimar::launch {
namespace {

namespace fs = std::filesystem;

int count(const StaticKeysCommand& command, const fs::path& tokenizer) {
  if (command.out.empty()) throw base::UsageError("--count needs --out FILE for what was counted");
  const auto counts = model::count_pieces(command.count, *text::load_tokenizer(tokenizer));
  model::write_counts(command.out, counts);
  std::cout << command.out.string() << ": counts of " << counts.size() << " pieces" << std::endl;
  return 0;
}

}  // namespace

int static_keys_command(const StaticKeysCommand& command) {
  const fs::path folder = command.keys_folder.empty() ? deps_folder() / "minilm" : command.keys_folder;
  if (!fs::is_regular_file(folder / "model.safetensors"))
    throw base::ConfigError("static keys are made from all-MiniLM-L6-v2, and there is no model.safetensors in " +
                            folder.string() + "; run launch/install.sh, or name the folder with --keys-folder");
  if (!command.count.empty()) return count(command, folder / "tokenizer.json");
  const base::Stopwatch watch;
  const fs::path out = command.out.empty() ? usual_key_table() : command.out;
  const fs::path counts_file = command.counts.empty() ? usual_piece_counts() : command.counts;
  const auto pieces = static_cast<std::size_t>(text::load_tokenizer(folder / "tokenizer.json")->size());
  const std::vector<std::uint64_t> counts = model::read_counts(counts_file, pieces);
  model::set_threads(command.threads);
  const linalg::Matrix vectors = model::make_static_vectors(model::encode_vocabulary(folder), counts, command.options);
  const auto bytes = std::as_bytes(std::span(vectors.data(), static_cast<std::size_t>(vectors.size())));
  model::write_static_table(out, vectors,
                            {{"source", key_table_source(folder)},
                             {"counts", store::hash128(std::as_bytes(std::span(counts))).text()},
                             {"smoothing", std::to_string(command.options.smoothing)},
                             {"checksum", store::hash128(bytes).text()}});
  std::cout << out.string() << ": vectors of " << vectors.rows() << " pieces, " << vectors.cols() << " components, in "
            << watch.seconds() << " s" << std::endl;
  return 0;
}

void add_static_keys_options(CLI::App& app, StaticKeysCommand& command) {
  app.add_option("--keys-folder", command.keys_folder,
                 "folder of all-MiniLM-L6-v2 (default: where launch/install.sh puts it)");
  app.add_option("--counts", command.counts, "how often its pieces occur (default: the list shipped with the program)");
  app.add_option("--out", command.out, "the table (default: where --keys static looks for it)");
  app.add_option("--size", command.options.size, "components of a key")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--smoothing", command.options.smoothing, "a of a piece's weight a / (a + its share of all text)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--count", command.count,
                 "count pieces in the *.txt and *.txt.zst of this folder into --out instead, for --counts");
  app.add_option("--threads", command.threads, "threads")->check(CLI::Range(1, 1024))->capture_default_str();
}

}  // namespace larimar::launch
