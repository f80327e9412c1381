#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace larimar::train {

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

std::int64_t candidates_at(std::int64_t step, const TrainOptions& options) {
  const bool early = static_cast<double>(step) < options.candidates_until * static_cast<double>(options.steps);
  return early ? options.candidates : 0;
}

}  // namespace larimar::train
