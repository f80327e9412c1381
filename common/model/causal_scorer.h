#pragma once
// Log probabilities of given texts. LibTorch types.
#include <span>
#include <vector>

#include "common/model/causal_generator.h"

namespace larimar::model {

/// Mean of log p(token | all before) over each continuation. Pairs go through the network in batches, padded on the
/// right, where nobody looks; a beginning that all prompts share goes through once. Texts must be checked beforehand.
/// Throws NumericalError if a result is not finite.
[[nodiscard]] std::vector<double> score_continuations(CausalNetwork& network, std::span<const Tokens> prompts,
                                                      std::span<const Tokens> continuations);

}  // namespace larimar::model
