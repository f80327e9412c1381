#pragma once
#include <cstdint>
#include <fstream>
#include <functional>
#include <string>

#include "train/checkpoint.h"
#include "train/lesson.h"
#include "train/shared_gradient.h"
#include "train/trainer.h"

namespace larimar::train {

/// What a run leaves in options.out: metrics.jsonl and the model folder. Made by rank 0 alone.
class RunFolder {
 public:
  /// Opens metrics.jsonl to go on behind what is there. Borrows the options.
  RunFolder(const TrainOptions& options, std::function<void(const std::string&)> report);

  /// A line of what was learnt since the last one. Throws IoError.
  void log_training(const Progress& progress, const Tally& window, double loss);
  /// A line of how the averaged weights do. Throws IoError.
  void log_validation(const Progress& progress, const Tally& sum);
  /// The model folder with the lesson's present weights, and the curves. Throws as the writers do.
  void write_model(Lesson& lesson, const Progress& progress, std::size_t segments, std::size_t tokens);

 private:
  void write_line(const std::string& line);

  const TrainOptions& options_;
  std::function<void(const std::string&)> report_;
  std::ofstream metrics_;
};

}  // namespace larimar::train
