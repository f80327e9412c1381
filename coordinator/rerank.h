#pragma once
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coordinator/coordinator_service.h"

namespace larimar::coordinator {

/// A batch read as ReadForm::kCodes with its decoded texts.
struct DecodedRead {
  BatchRead read;                  // k sources a query
  std::vector<std::string> texts;  // [queries * k]
};

/// Weight of a key's cosine beside a mean log likelihood in nats a token: the prior of p(text | question), which the key gives,
/// beside the likelihood p(question | text). Chosen on forty questions of its own (docs/results.md).
inline constexpr double kKeyWeight = 4.0;

/// Places of the candidates, greatest likelihood + key_weight * score first and equal ones as they stand.
/// Shapes  likelihoods [n], scores [n]. Calls local.
[[nodiscard]] std::vector<std::size_t> likeliest_first(std::span<const double> likelihoods,
                                                       std::span<const float> scores, double key_weight);

/// Orders each query's sources by likeliest_first and keeps the first `keep` of them, likelihoods with them. A query without
/// likelihoods keeps its order. The weight 1 of what the answer rests on goes to the new first; margins stay those of the keys.
/// Shapes  likelihoods [queries], each empty or [k' <= k] for the sources that are there. keep <= k.
/// Calls   local.
void rerank(DecodedRead& decoded, std::span<std::vector<double>> likelihoods, std::size_t keep, double key_weight);

/// Gives each query's sources other scores, orders them by these, equal ones as they stand, and keeps the first `keep`. The weight
/// 1 goes to the new first; margins become the difference of the two best new scores, none where there is no second.
/// Shapes  scores [queries], each [k' <= k] for the sources that are there. keep <= k.
/// Calls   local.
void rank_by_scores(DecodedRead& decoded, std::span<const std::vector<float>> scores, std::size_t keep);

}  // namespace larimar::coordinator
