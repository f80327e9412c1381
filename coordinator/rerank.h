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

/// Orders each query's sources by likelihood, highest first and equal ones as they stand, and keeps the first `keep` of them.
/// A query without likelihoods keeps its order. The weight 1 of what the answer rests on goes to the new first; margins stay
/// those of the keys.
/// Shapes  likelihoods [queries], each empty or [k' <= k] for the sources that are there. keep <= k.
/// Calls   local.
void rerank(DecodedRead& decoded, std::span<const std::vector<double>> likelihoods, std::size_t keep);

}  // namespace larimar::coordinator
