#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "common/base/random.h"
#include "tests/unit/train/support.h"
#include "train/trainer.h"

namespace larimar::train::test {

inline std::string made_up_text(std::uint64_t seed, int sentences) {
  static const std::vector<std::string> kWords{"river",  "stone", "market", "winter", "letter",
                                               "garden", "train", "doctor", "song",   "bread"};
  base::Random random(seed);
  std::string text;
  for (int i = 0; i < sentences; ++i) {
    text += "The";
    for (std::uint64_t word = 5 + random.below(5); word > 0; --word) text += " " + kWords[random.below(kWords.size())];
    text += " ended.\n";
  }
  return text;
}

/// A run in a folder that holds train/a.txt and valid/a.txt.
inline TrainOptions small_run(const std::filesystem::path& folder, std::int64_t steps) {
  TrainOptions options;
  options.data = folder / "train";
  options.valid = folder / "valid";
  options.out = folder / "out";
  options.tokenizer = tokenizer_file();
  options.sizes.positions = 16;
  options.sizes.latents = 4;
  options.sizes.latent_size = 8;
  options.sizes.width = 16;
  options.sizes.heads = 2;
  options.sizes.encoder_layers = options.sizes.decoder_layers = 1;
  options.steps = steps;
  options.warmup = 5;
  options.learning_rate = 0.01;
  options.batch_tokens = 128;
  options.candidates = 256;
  options.valid_every = 1000;
  return options;
}

inline void write_texts(const TemporaryFolder& folder) {
  folder.write("train/a.txt", made_up_text(1, 120));
  folder.write("valid/a.txt", made_up_text(2, 20));
}

inline std::vector<nlohmann::json> metrics_of(const std::filesystem::path& out) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(base::read_file(out / "metrics.jsonl"));
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace larimar::train::test
