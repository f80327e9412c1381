#include "train/objective.h"

#include <torch/torch.h>

#include <algorithm>

namespace larimar::train {
namespace {

using torch::Tensor;
constexpr std::int64_t kIgnored = -100;  // as target: no loss there

// Uniform in [0, most] for each segment, [B, 1]; from our own generator, so that a resumed run draws the same.
Tensor draw_levels(std::int64_t batch, double most, double share, base::Random& random, const Tensor& like) {
  std::vector<float> levels(static_cast<std::size_t>(batch));
  for (auto& level : levels) level = random.uniform() < share ? static_cast<float>(most * random.uniform()) : 0.0F;
  return torch::tensor(levels).to(like.device()).unsqueeze(1);
}

Tensor disturb(const Tensor& codes, const Disturbance& disturbance, base::Random& random) {
  if (disturbance.empty) return torch::zeros_like(codes);
  Tensor result = codes;
  if (disturbance.superposition > 0.0) {
    result = result + codes.roll(1, 0) * draw_levels(codes.size(0), disturbance.superposition, 0.1, random, codes);
  }
  if (disturbance.noise > 0.0) {
    torch::manual_seed(random.next() >> 1);
    result = result + torch::randn_like(codes) * draw_levels(codes.size(0), disturbance.noise, 1.0, random, codes);
  }
  return result;
}

}  // namespace

Tensor pad_batch(std::span<const std::vector<std::uint16_t>> segments, const model::CompactConfig& config) {
  std::size_t longest = 0;
  for (const auto& segment : segments) longest = std::max(longest, segment.size() + 1);
  const auto group = static_cast<std::size_t>(config.group());
  const std::size_t length = (longest + group - 1) / group * group;
  Tensor tokens = torch::full({static_cast<std::int64_t>(segments.size()), static_cast<std::int64_t>(length)}, config.pad_id, torch::kInt64);
  auto rows = tokens.accessor<std::int64_t, 2>();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    auto row = rows[static_cast<std::int64_t>(i)];
    std::int64_t at = 0;
    for (const std::uint16_t token : segments[i]) row[at++] = token;
    row[at] = config.eos_id;
  }
  return tokens;
}

Outcome reconstruct(model::CompactNetworkImpl& network, const Tensor& tokens, const Disturbance& disturbance, base::Random& random) {
  const auto& config = network.encoder->config;
  const std::int64_t batch = tokens.size(0), length = tokens.size(1);
  const Tensor codes = disturb(network.encoder->forward(tokens), disturbance, random);
  const Tensor begin = torch::full({batch, 1}, config.bos_id, tokens.options());
  const Tensor inputs = torch::cat({begin, tokens.slice(1, 0, length - 1)}, 1);
  std::vector<model::PastState> past = network.decoder->inject(codes);
  const Tensor logits = network.decoder->logits(network.decoder->hidden(inputs, 0, codes, past, false));

  const Tensor padding = tokens.eq(config.pad_id);
  const Tensor targets = tokens.masked_fill(padding, kIgnored);
  Outcome outcome;
  outcome.loss = torch::nn::functional::cross_entropy(logits.view({batch * length, config.vocabulary}), targets.flatten(),
                                                      torch::nn::functional::CrossEntropyFuncOptions().ignore_index(kIgnored));
  torch::NoGradGuard guard;
  const Tensor right = logits.detach().argmax(-1).eq(targets);  // never at padding
  outcome.right_tokens = right.sum().item<std::int64_t>();
  outcome.tokens = batch * length - padding.sum().item<std::int64_t>();
  outcome.segments = batch;
  outcome.exact_segments = right.logical_or(padding).all(1).sum().item<std::int64_t>();
  return outcome;
}

}  // namespace larimar::train
