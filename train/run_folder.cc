#include "train/run_folder.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/error.h"
#include "common/base/file.h"
#include "train/curve_svg.h"
#include "train/schedule.h"

namespace larimar::train {
namespace {

double share(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

RunFolder::RunFolder(const TrainOptions& options, std::function<void(const std::string&)> report)
    : options_(options), report_(std::move(report)), metrics_(options.out / "metrics.jsonl", std::ios::app) {}

void RunFolder::write_line(const std::string& line) {
  metrics_ << line << '\n' << std::flush;
  if (!metrics_) {
    throw base::IoError((options_.out / "metrics.jsonl").string() +
                        " cannot be written; look at the disk of --out and start the same command again");
  }
  report_(line);
}

void RunFolder::log_training(const Progress& progress, const Tally& window, double loss) {
  const nlohmann::json line = {{"kind", "train"},
                               {"step", progress.step},
                               {"seconds", progress.seconds},
                               {"loss", loss},
                               {"token_accuracy", share(window.right_tokens, window.tokens)},
                               {"segments_exact", share(window.exact_segments, window.segments)},
                               {"tokens", window.tokens},
                               {"learning_rate", learning_rate_at(progress.step, options_)}};
  write_line(line.dump());
}

void RunFolder::log_validation(const Progress& progress, const Tally& sum) {
  const nlohmann::json line = {{"kind", "valid"},
                               {"step", progress.step},
                               {"seconds", progress.seconds},
                               {"segments", sum.segments},
                               {"token_accuracy", share(sum.right_tokens, sum.tokens)},
                               {"segments_exact", share(sum.exact_segments, sum.segments)}};
  write_line(line.dump());
}

void RunFolder::write_model(Lesson& lesson, const Progress& progress, std::size_t segments, std::size_t tokens) {
  const auto folder = options_.out / "model";
  base::make_folder(folder);
  lesson.write_model(folder, {{"step", progress.step},
                              {"steps", options_.steps},
                              {"seconds", progress.seconds},
                              {"seed", options_.seed},
                              {"batch_tokens", options_.batch_tokens},
                              {"micro_batches", options_.micro_batches},
                              {"learning_rate", options_.learning_rate},
                              {"train_segments", segments},
                              {"train_tokens", tokens}});
  base::write_file(folder / "training.svg", draw_curves(options_.out / "metrics.jsonl"));
}

}  // namespace larimar::train
