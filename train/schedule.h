#pragma once
#include <cstdint>

#include "common/base/random.h"
#include "train/objective.h"
#include "train/trainer.h"

namespace larimar::train {

/// Rises over the warm-up, then falls along a cosine to a hundredth of the highest. Local.
[[nodiscard]] double learning_rate_at(std::int64_t step, const TrainOptions& options);

/// How codes are disturbed at a step; draws once for a step behind the warm-up. Local.
[[nodiscard]] Disturbance disturbance_at(std::int64_t step, const TrainOptions& options, base::Random& random);

/// Pieces in the softmax at a step; 0 for all. Local.
[[nodiscard]] std::int64_t candidates_at(std::int64_t step, const TrainOptions& options);

}  // namespace larimar::train
