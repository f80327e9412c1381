#include "train/validation.h"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "train/objective.h"

namespace larimar::train {
namespace {

constexpr std::size_t kValidSegments = 2048, kBatch = 64;

}  // namespace

Tally validate_part(model::CompactNetworkImpl& network, const SegmentFile& segments, const model::CompactConfig& sizes,
                    int part, int parts) {
  torch::NoGradGuard guard;
  const torch::Device device = network.parameters().front().device();
  std::vector<std::vector<std::uint16_t>> chosen;
  const std::size_t stride = std::max<std::size_t>(1, segments.size() / kValidSegments);
  for (std::size_t i = 0; i < segments.size(); i += stride) chosen.emplace_back(segments[i].begin(), segments[i].end());
  std::ranges::stable_sort(chosen, {}, &std::vector<std::uint16_t>::size);
  Tally sum;
  base::Random random(0);  // nothing is drawn
  const auto first = static_cast<std::size_t>(part) * kBatch, step = static_cast<std::size_t>(parts) * kBatch;
  for (std::size_t at = first; at < chosen.size(); at += step) {
    const auto batch = std::span(chosen).subspan(at, std::min(kBatch, chosen.size() - at));
    const Outcome outcome = reconstruct(network, pad_batch(batch, sizes).to(device), {.noise = 0.0}, 0, random);
    sum += {0.0, outcome.tokens, outcome.right_tokens, outcome.segments, outcome.exact_segments};
  }
  return sum;
}

}  // namespace larimar::train
