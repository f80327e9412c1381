#include "train/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>
#include <optional>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/model/compact_weights.h"
#include "train/autocast.h"
#include "train/checkpoint.h"
#include "train/curve_svg.h"
#include "train/objective.h"

namespace larimar::train {
namespace {

using model::CompactNetwork;
constexpr std::size_t kValidSegments = 2048;

double learning_rate_at(std::int64_t step, const TrainOptions& options) {
  if (step < options.warmup)
    return options.learning_rate * static_cast<double>(step + 1) / static_cast<double>(options.warmup);
  const double done = static_cast<double>(step - options.warmup) /
                      static_cast<double>(std::max<std::int64_t>(1, options.steps - options.warmup));
  return options.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, done))));
}

Disturbance disturbance_at(std::int64_t step, const TrainOptions& options, base::Random& random) {
  const double done = static_cast<double>(step) / static_cast<double>(options.steps);
  Disturbance disturbance;
  disturbance.noise = 0.2 - 0.1 * std::min(1.0, done);
  disturbance.superposition = done > 0.3 ? 0.2 : 0.0;
  disturbance.empty = step > options.warmup && random.uniform() < 0.02;
  return disturbance;
}

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

SegmentFile open_segments(const std::filesystem::path& text, const std::filesystem::path& cache,
                          const TrainOptions& options, const text::Tokenizer& tokenizer,
                          const std::function<void(const std::string&)>& report) {
  if (!std::filesystem::exists(cache)) {
    text::SegmentRules rules;
    rules.max_tokens = static_cast<std::size_t>(options.sizes.positions - 1);
    make_segment_file(text, tokenizer, rules, cache, report);
  }
  return SegmentFile(cache);
}

class Trainer {
 public:
  Trainer(const TrainOptions& options, const std::function<void(const std::string&)>& report)
      : options_(options),
        report_(report),
        tokenizer_(text::load_tokenizer(options.tokenizer)),
        alphabet_(make_alphabet(*tokenizer_)),
        train_(open_segments(options.data, options.out / "train.segments", options, *tokenizer_, report)),
        valid_(open_segments(options.valid, options.out / "valid.segments", options, *tokenizer_, report)),
        device_(options.device),
        network_(make_network()),
        parameters_(*network_) {
    optimiser_.start(parameters_.values());
    if (std::filesystem::exists(checkpoint_path())) {
      progress_ = load_checkpoint(checkpoint_path(), parameters_, optimiser_);
      report_("resumed at step " + std::to_string(progress_.step));
    }
    stream_.emplace(train_, options_.seed, options_.batch_tokens, static_cast<std::size_t>(options_.sizes.group()),
                    progress_.stream);
    metrics_.open(options_.out / "metrics.jsonl", std::ios::app);
  }

  void run() {
    const base::Stopwatch watch;
    const double before = progress_.seconds;
    base::Stopwatch since_checkpoint;
    for (; progress_.step < options_.steps;) {
      step();
      progress_.seconds = before + watch.seconds();
      progress_.stream = stream_->position();
      const bool last = progress_.step == options_.steps;
      if (progress_.step % 50 == 0 || last) log_training();
      if (progress_.step % options_.valid_every == 0 || last) validate();
      if (since_checkpoint.seconds() >= options_.checkpoint_every || last) {
        save_checkpoint(checkpoint_path(), parameters_, optimiser_, progress_);
        since_checkpoint.restart();
      }
    }
  }

 private:
  std::filesystem::path checkpoint_path() const { return options_.out / "checkpoint.safetensors"; }

  CompactNetwork make_network() const {
    torch::manual_seed(options_.seed);
    CompactNetwork network(options_.sizes);
    network->to(device_);
    return network;
  }

  torch::Tensor training_batch(base::Random& random) {
    std::vector<std::vector<std::uint16_t>> segments;
    for (const std::uint32_t i : stream_->next()) {
      const auto tokens = train_[i];
      segments.emplace_back(tokens.begin(), tokens.end());
      corrupt(segments.back(), static_cast<std::size_t>(options_.sizes.positions - 1), alphabet_, Corruption{}, random);
    }
    return pad_batch(segments, options_.sizes).to(device_);
  }

  void step() {
    base::Random random(options_.seed * 0x10001 + static_cast<std::uint64_t>(progress_.step));
    const torch::Tensor tokens = training_batch(random);
    const Disturbance disturbance = disturbance_at(progress_.step, options_, random);
    const bool early =
        static_cast<double>(progress_.step) < options_.candidates_until * static_cast<double>(options_.steps);
    const Outcome outcome = [&] {
      const Autocast autocast(options_.precision, device_.type());
      return reconstruct(*network_, tokens, disturbance, early ? options_.candidates : 0, random);
    }();
    // Without a code the loss stays high for ever; a small weight keeps it from drowning the rest.
    (disturbance.empty ? outcome.loss * 0.1 : outcome.loss).backward();
    const double norm = optimiser_.step(parameters_, learning_rate_at(progress_.step, options_));
    if (!std::isfinite(norm)) {
      throw base::NumericalError("the gradient is not finite at step " + std::to_string(progress_.step) +
                                 "; lower --learning-rate and resume from the checkpoint");
    }
    ++progress_.step;
    if (disturbance.empty) return;
    window_.tokens += outcome.tokens;
    window_.right_tokens += outcome.right_tokens;
    window_.segments += outcome.segments;
    window_.exact_segments += outcome.exact_segments;
    window_loss_ = outcome.loss.item<double>();
  }

  static double share(std::int64_t part, std::int64_t whole) {
    return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  }

  void write_metrics(const nlohmann::json& line) {
    metrics_ << line.dump() << '\n' << std::flush;
    report_(line.dump());
  }

  void log_training() {
    write_metrics({{"kind", "train"},
                   {"step", progress_.step},
                   {"seconds", progress_.seconds},
                   {"loss", window_loss_},
                   {"token_accuracy", share(window_.right_tokens, window_.tokens)},
                   {"segments_exact", share(window_.exact_segments, window_.segments)},
                   {"tokens", window_.tokens},
                   {"learning_rate", learning_rate_at(progress_.step, options_)}});
    window_ = {};
  }

  // On averaged weights, without disturbance, on a fixed spread of the validation segments.
  void validate() {
    torch::NoGradGuard guard;
    const torch::Tensor weights = parameters_.values().clone();
    parameters_.values().copy_(optimiser_.average);
    std::vector<std::vector<std::uint16_t>> chosen;
    const std::size_t stride = std::max<std::size_t>(1, valid_.size() / kValidSegments);
    for (std::size_t i = 0; i < valid_.size(); i += stride) chosen.emplace_back(valid_[i].begin(), valid_[i].end());
    std::ranges::stable_sort(chosen, {}, &std::vector<std::uint16_t>::size);
    Outcome sum;
    base::Random random(0);
    for (std::size_t at = 0; at < chosen.size(); at += 64) {
      const auto part = std::span(chosen).subspan(at, std::min<std::size_t>(64, chosen.size() - at));
      const Outcome outcome =
          reconstruct(*network_, pad_batch(part, options_.sizes).to(device_), {.noise = 0.0}, 0, random);
      sum.tokens += outcome.tokens;
      sum.right_tokens += outcome.right_tokens;
      sum.segments += outcome.segments;
      sum.exact_segments += outcome.exact_segments;
    }
    write_metrics({{"kind", "valid"},
                   {"step", progress_.step},
                   {"seconds", progress_.seconds},
                   {"segments", sum.segments},
                   {"token_accuracy", share(sum.right_tokens, sum.tokens)},
                   {"segments_exact", share(sum.exact_segments, sum.segments)}});
    write_model();
    parameters_.values().copy_(weights);
  }

  void write_model() {
    const auto folder = options_.out / "model";
    base::make_folder(folder);
    nlohmann::json config = to_json(options_.sizes);
    config["training"] = {{"step", progress_.step},
                          {"steps", options_.steps},
                          {"seconds", progress_.seconds},
                          {"seed", options_.seed},
                          {"batch_tokens", options_.batch_tokens},
                          {"learning_rate", options_.learning_rate},
                          {"train_segments", train_.size()},
                          {"train_tokens", train_.tokens()}};
    base::write_file(folder / "tokenizer.json", base::read_file(options_.tokenizer));
    model::save_weights(*network_, folder / "model.safetensors", model::StoredPrecision::kFloat16,
                        {{"step", std::to_string(progress_.step)}});
    base::write_file(folder / "config.json", config.dump(2) + "\n");
    base::write_file(folder / "training.svg", draw_curves(options_.out / "metrics.jsonl"));
  }

  TrainOptions options_;
  std::function<void(const std::string&)> report_;
  std::unique_ptr<const text::Tokenizer> tokenizer_;
  Alphabet alphabet_;
  SegmentFile train_, valid_;
  torch::Device device_;
  CompactNetwork network_;
  FlatParameters parameters_;
  AdamW optimiser_;
  Progress progress_;
  std::optional<BatchStream> stream_;
  Outcome window_;
  double window_loss_ = 0;
  std::ofstream metrics_;
};

}  // namespace

void train_compact(const TrainOptions& options, const std::function<void(const std::string&)>& report) {
  base::make_folder(options.out);
  Trainer(options, report).run();
}

}  // namespace larimar::train
