#pragma once
#include <cstddef>
#include <span>

#include "common/model/language_model.h"

namespace larimar::model {

/// The next token of a text. Temperature, then top_k, then top_p: the fewest tokens, most likely first, whose
/// probabilities sum to top_p or more; one at least. What remains is drawn by one number made of seed, row and position.
/// Temperature 0: the most likely token, of equals the first.
/// Throws NumericalError if the largest logit is not finite, which only damaged weights or overflow cause.
[[nodiscard]] text::TokenId choose_token(std::span<const float> logits, const Sampling& sampling, std::size_t row,
                                         std::size_t position);

/// Throws ConfigError for a temperature below 0, or top_p outside 0 to 1.
void check_sampling(const Sampling& sampling);

}  // namespace larimar::model
