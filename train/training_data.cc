#include "train/training_data.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/comm/same.h"
#include "common/store/hash.h"
#include "common/text/segmenter.h"
#include "train/shared_gradient.h"

namespace larimar::train {
namespace {

Alphabet make_alphabet(const text::Tokenizer& tokenizer) {
  Alphabet alphabet;
  alphabet.vocabulary = static_cast<std::uint16_t>(tokenizer.size());
  const auto add = [&](char c, std::vector<std::uint16_t>& to) {
    to.push_back(static_cast<std::uint16_t>(tokenizer.encode(std::string(1, c)).front()));
  };
  for (char c = '0'; c <= '9'; ++c) add(c, alphabet.digits);
  for (char c = '0'; c <= '9'; ++c) add(c, alphabet.characters);
  for (char c = 'a'; c <= 'z'; ++c) add(c, alphabet.characters);
  for (char c = 'A'; c <= 'Z'; ++c) add(c, alphabet.characters);
  for (const char c : {'-', '_', '.', '/'}) add(c, alphabet.characters);
  return alphabet;
}

void make_segments(const std::filesystem::path& text, const std::filesystem::path& cache, const TrainOptions& options,
                   const text::Tokenizer& tokenizer, const std::function<void(const std::string&)>& report) {
  if (std::filesystem::exists(cache)) return;
  text::SegmentRules rules;
  rules.max_tokens = static_cast<std::size_t>(options.sizes.positions - 1);
  make_segment_file(text, tokenizer, rules, cache, report);
}

std::string hash_of(const std::filesystem::path& path) {
  const base::MappedFile file(path);
  return store::hash128(file.bytes()).text();
}

}  // namespace

TrainingData open_training_data(const TrainOptions& options, comm::Transport& transport,
                                const std::function<void(const std::string&)>& report) {
  const comm::PhaseScope phase(transport, "open the training data");
  const auto train = options.out / "train.segments", valid = options.out / "valid.segments";
  auto tokenizer = do_together(transport, [&] { return text::load_tokenizer(options.tokenizer); });
  {
    const comm::IdleScope idle(transport);
    do_together(transport, [&] {
      if (transport.rank() != 0) return;
      base::make_folder(options.out);
      make_segments(options.data, train, options, *tokenizer, report);
      make_segments(options.valid, valid, options, *tokenizer, report);
    });
  }
  TrainingData data = do_together(transport, [&] {
    Alphabet alphabet = make_alphabet(*tokenizer);
    return TrainingData{std::move(tokenizer), std::move(alphabet), SegmentFile(train), SegmentFile(valid)};
  });
  if (transport.size() == 1) return data;
  const std::string advice = "give --out a folder on a file system that all ranks see";
  const auto facts = do_together(transport, [&] {
    return std::vector<comm::Fact>{
        {"the training segments", hash_of(train), advice},
        {"the validation segments", hash_of(valid), advice},
        {"the questions", options.injection.questions.empty() ? "" : hash_of(options.injection.questions),
         "give all ranks the same file"},
        {"the tokenizer", hash_of(options.tokenizer), "give all ranks the same file"}};
  });
  comm::require_same(transport, facts);
  return data;
}

void require_same_options(const TrainOptions& options, comm::Transport& transport) {
  if (transport.size() == 1) return;
  const nlohmann::json settings = {{"steps", options.steps},
                                   {"warmup", options.warmup},
                                   {"learning-rate", options.learning_rate},
                                   {"batch-tokens", options.batch_tokens},
                                   {"micro-batches", options.micro_batches},
                                   {"candidates", options.candidates},
                                   {"candidates-until", options.candidates_until},
                                   {"seed", options.seed},
                                   {"valid-every", options.valid_every},
                                   {"precision", options.precision == Precision::kBFloat16 ? "bfloat16" : "float32"},
                                   {"gradients", options.sum_on_devices ? "auto" : "tree"},
                                   {"device", options.device.substr(0, options.device.find(':'))},
                                   {"average-decay", options.average_decay},
                                   {"injection", model::to_json(options.injection.sizes)},
                                   {"reading-steps", options.injection.reading_steps},
                                   {"language-tokens", options.injection.language_tokens},
                                   {"questions-share", options.injection.questions_share},
                                   {"sizes", model::to_json(options.sizes)}};
  std::vector<comm::Fact> facts;
  for (const auto& [name, value] : settings.items())
    facts.push_back({"the setting " + name, value.dump(), "give all ranks the same options"});
  comm::require_same(transport, facts);
}

}  // namespace larimar::train
