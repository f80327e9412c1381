#pragma once
// What is learnt from questions about notes that a language model reads as codes. LibTorch types.
#include <torch/types.h>

#include <memory>
#include <span>

#include "common/base/random.h"
#include "common/model/compact_network.h"
#include "common/model/injection.h"
#include "train/adapted_network.h"
#include "train/objective.h"
#include "train/questions.h"

namespace larimar::train {

/// From text to codes, from codes to positions, from positions to words. Shared with who made them; on one device.
struct ReadingNetworks {
  model::CompactNetwork codes{nullptr};  // not learnt
  model::Injection injection{nullptr};
  std::shared_ptr<AdaptedNetwork> language;
};

/// Notes stand in each prompt as codes, disturbed. The sum of two means over all prompts: the cross-entropy of the answers' tokens; and
/// the Kullback-Leibler divergence, at each token behind the notes, of what is expected there from what the language model without
/// adapters expects where the notes stand there as text. Scalar. Local.
[[nodiscard]] torch::Tensor answer_loss(const ReadingNetworks& networks, const QuestionFile& questions,
                                        std::span<const Prompt> prompts, const model::CompactConfig& sizes,
                                        const Disturbance& disturbance, base::Random& random);

}  // namespace larimar::train
