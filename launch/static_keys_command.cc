// larimar static-keys: a table for --keys static, fitted to all-MiniLM-L6-v2 on text. One process; no MPI.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/progress.h"
#include "common/model/minilm.h"
#include "common/model/runtime.h"
#include "common/model/static_table.h"
#include "launch/commands.h"
#include "launch/options.h"
#include "launch/static_keys.h"
#include "train/sentence_sample.h"

namespace larimar::launch {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t kTogether = 1024;  // texts between two steps of the progress

fs::path folder_of(const StaticKeysCommand& command) {
  fs::path folder = command.keys_folder.empty() ? deps_folder() / "minilm" : command.keys_folder;
  if (!fs::is_regular_file(folder / "model.safetensors"))
    throw base::ConfigError("static keys are fitted to all-MiniLM-L6-v2, and there is no model.safetensors in " +
                            folder.string() + "; run launch/install.sh, or name the folder with --keys-folder");
  return folder;
}

/// Sentences with the keys that MiniLM gives them. Those without pieces are left out.
train::StaticExamples examples_of(const StaticKeysCommand& command, model::KeyEncoder& encoder,
                                  const text::Tokenizer& tokenizer) {
  train::StaticExamples examples;
  std::vector<std::string> texts;
  for (std::string& text : train::sample_sentences(command.text, command.sentences, command.fit.seed)) {
    std::vector<text::TokenId> pieces = tokenizer.encode(text);
    if (pieces.empty()) continue;
    examples.pieces.push_back(std::move(pieces));
    texts.push_back(std::move(text));
  }
  examples.keys.resize(static_cast<linalg::Index>(texts.size()), encoder.key_size());
  base::Progress progress("encode", texts.size(), "sentences");
  for (std::size_t at = 0; at < texts.size(); at += kTogether) {
    const std::size_t count = std::min(kTogether, texts.size() - at);
    examples.keys.middleRows(static_cast<linalg::Index>(at), static_cast<linalg::Index>(count)) =
        encoder.encode(std::span(texts).subspan(at, count));
    progress.advance(count);
  }
  progress.finish();
  return examples;
}

}  // namespace

int static_keys_command(const StaticKeysCommand& command) {
  const fs::path folder = folder_of(command);
  const base::Stopwatch watch;
  model::set_threads(command.threads);
  model::MiniLmOptions integers;  // keys of 0.9999 of the cosine are targets as good, in two thirds of the time
  integers.arithmetic = model::Arithmetic::kInteger;
  const auto encoder = model::load_minilm(folder, integers);
  const train::StaticExamples examples =
      examples_of(command, *encoder, *text::load_tokenizer(folder / "tokenizer.json"));
  const train::StaticFit fit =
      train::fit_static_vectors(examples, model::encode_vocabulary(folder, integers), command.fit,
                                [](const std::string& line) { std::cout << line << std::endl; });
  std::map<std::string, std::string> made{{"source", key_table_source(folder)},
                                          {"texts", std::to_string(examples.pieces.size())},
                                          {"cosine", std::to_string(fit.cosine)}};
  // Written twice: the checksum is that of what was rounded.
  made["checksum"] = "none yet";
  model::write_static_table(command.out, fit.vectors, made);
  made["checksum"] = table_checksum(model::StaticTable(command.out));
  model::write_static_table(command.out, fit.vectors, made);
  std::cout << command.out.string() << ": vectors of " << fit.vectors.rows() << " pieces, " << fit.vectors.cols()
            << " components, from " << examples.pieces.size() << " texts in " << watch.seconds() << " s" << std::endl;
  return 0;
}

void add_static_keys_options(CLI::App& app, StaticKeysCommand& command) {
  app.add_option("--text", command.text, "folder of *.txt and *.txt.zst whose sentences it is fitted to")->required();
  app.add_option("--out", command.out, "the table; name it with --key-table where it is used")->required();
  app.add_option("--keys-folder", command.keys_folder,
                 "folder of all-MiniLM-L6-v2 (default: where launch/install.sh puts it)");
  app.add_option("--sentences", command.sentences, "how many, the same number of each file")
      ->check(CLI::Range(100, 100'000'000))
      ->capture_default_str();
  app.add_option("--size", command.fit.size, "components of a key")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--epochs", command.fit.epochs, "passes over the sentences")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--seed", command.fit.seed, "of the draw and of the order")->capture_default_str();
  app.add_option("--threads", command.threads, "threads")->check(CLI::Range(1, 1024))->capture_default_str();
}

}  // namespace larimar::launch
