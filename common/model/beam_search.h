#pragma once
// Beam search. LibTorch types.
#include "common/model/causal_generator.h"

namespace larimar::model {

/// Continues one text by the `options.beams` likeliest hypotheses. A hypothesis that has ended, by a stop token or at
/// max_new_tokens, is scored by the mean log probability of its new tokens, a stop token included; the search ends when
/// no open one, scored as it stands, is better than the worst of `beams` ended ones. Returns the best without its stop
/// token. These are the rules and defaults of Hugging Face's generate(num_beams=...).
/// Throws NumericalError if the model's logits are not finite.
[[nodiscard]] Tokens beam_search(CausalNetwork& network, const Tokens& text, const GenerationOptions& options);

}  // namespace larimar::model
