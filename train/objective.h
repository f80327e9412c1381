#pragma once
#include <torch/types.h>

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/random.h"
#include "common/model/compact_network.h"

namespace larimar::train {

/// A padded batch. tokens [B, L] int64 with end-of-text after each segment, L a multiple of the group size.
[[nodiscard]] torch::Tensor pad_batch(std::span<const std::vector<std::uint16_t>> segments,
                                      const model::CompactConfig& config);

/// How codes are disturbed in training so that reads that are not clean still decode.
struct Disturbance {
  double noise = 0.1;          // gaussian, standard deviation in units of the code's RMS, drawn up to this per segment
  double superposition = 0.0;  // share of a second code added, drawn up to this, for one segment in ten
  bool empty = false;          // z = 0: the decoder stays a language model
};

/// The codes [B, C] of a batch, disturbed. Levels are drawn for each row. Local.
[[nodiscard]] torch::Tensor disturb(const torch::Tensor& codes, const Disturbance& disturbance, base::Random& random);

/// What one pass over a batch says. Counts are over real tokens and whole segments.
struct Outcome {
  torch::Tensor loss;  // mean cross-entropy of the segments given their codes, scalar
  std::int64_t tokens = 0, right_tokens = 0;
  std::int64_t segments = 0, exact_segments = 0;
};

/// candidates > 0: the softmax runs over the batch's own pieces filled up with random ones to that many, which is several
/// times cheaper and enough while the code is being learnt; 0: over the whole vocabulary.
/// Encode, disturb, decode with the true tokens as input (arXiv 2403.11901, autoencoding term). Whole segments are exact
/// if every argmax is right, which is when greedy decoding reproduces them.
[[nodiscard]] Outcome reconstruct(model::CompactNetworkImpl& network, const torch::Tensor& tokens,
                                  const Disturbance& disturbance, std::int64_t candidates, base::Random& random);

}  // namespace larimar::train
