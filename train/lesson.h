#pragma once
// What a run learns, apart from how runs go (train/trainer.h). LibTorch types.
#include <torch/nn.h>
#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "common/base/random.h"
#include "common/model/compact_config.h"
#include "train/objective.h"
#include "train/trainer.h"

namespace larimar::train {

/// One on each rank. Not thread-safe. All calls are local.
class Lesson {
 public:
  virtual ~Lesson() = default;
  /// Its parameters are what is learnt; the trainer may move their storage.
  [[nodiscard]] virtual torch::nn::Module& module() = 0;
  [[nodiscard]] virtual Disturbance disturbance_at(std::int64_t step, base::Random& random) const = 0;
  /// One pass over a padded batch of pad_batch(), on the lesson's device. Called under autocast.
  [[nodiscard]] virtual Outcome learn(const torch::Tensor& tokens, const Disturbance& disturbance, std::int64_t step,
                                      base::Random& random) = 0;
  /// The same with clean codes and whole vocabularies, at `step`.
  [[nodiscard]] virtual Outcome judge(const torch::Tensor& tokens, std::int64_t step) = 0;
  /// Segments of the validation text that judge() is shown.
  [[nodiscard]] virtual std::size_t segments_to_judge() const { return 2048; }
  /// The model folder with the present weights; `training` is the record of the run. Throws as the writers do.
  virtual void write_model(const std::filesystem::path& folder, const nlohmann::json& training) = 0;
};

/// What the options ask for, with weights drawn from options.seed. Throws what readers throw, and ConfigError for a device.
[[nodiscard]] std::unique_ptr<Lesson> make_lesson(const TrainOptions& options, const torch::Device& device);

/// larimar-compact: encoder and decoder together.
[[nodiscard]] std::unique_ptr<Lesson> make_compact_lesson(const TrainOptions& options, const torch::Device& device);
/// A language model that reads the codes of a finished larimar-compact (common/model/injection.h).
[[nodiscard]] std::unique_ptr<Lesson> make_injection_lesson(const TrainOptions& options, const torch::Device& device);

}  // namespace larimar::train
