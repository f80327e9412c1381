#include "train/objective.h"

#include <ATen/CPUGeneratorImpl.h>
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

struct Choice {
  Tensor pieces;   // [candidates]
  Tensor targets;  // tokens, as positions among the pieces
};

Choice choose_candidates(const Tensor& tokens, std::int64_t vocabulary, std::int64_t count, base::Random& random) {
  const Tensor flat = tokens.flatten().to(torch::kCPU);
  std::vector<std::int64_t> place(static_cast<std::size_t>(vocabulary), -1), pieces;
  const auto add = [&](std::int64_t piece) {
    auto& at = place[static_cast<std::size_t>(piece)];
    if (at >= 0) return;
    at = static_cast<std::int64_t>(pieces.size());
    pieces.push_back(piece);
  };
  const std::span<const std::int64_t> ids(flat.const_data_ptr<std::int64_t>(), static_cast<std::size_t>(flat.numel()));
  for (const std::int64_t id : ids) add(id);
  const auto wanted =
      static_cast<std::size_t>(std::min(std::max(count, static_cast<std::int64_t>(pieces.size())), vocabulary));
  while (pieces.size() < wanted) add(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(vocabulary))));
  Choice choice{torch::tensor(pieces, torch::kInt64).to(tokens.device()), torch::empty_like(flat)};
  for (std::size_t i = 0; i < ids.size(); ++i)
    choice.targets.mutable_data_ptr<std::int64_t>()[i] = place[static_cast<std::size_t>(ids[i])];
  choice.targets = choice.targets.view(tokens.sizes()).to(tokens.device());
  return choice;
}

}  // namespace

Tensor disturb(const Tensor& codes, const Disturbance& disturbance, base::Random& random) {
  if (disturbance.empty) return torch::zeros_like(codes);
  Tensor result = codes;
  if (disturbance.superposition > 0.0) {
    result = result + codes.roll(1, 0) * draw_levels(codes.size(0), disturbance.superposition, 0.1, random, codes);
  }
  if (disturbance.noise > 0.0) {
    // A generator of its own and on the processor: ranks may be threads of one process, and devices draw alike.
    const auto generator = at::make_generator<at::CPUGeneratorImpl>(random.next() >> 1);
    const Tensor noise = torch::randn(codes.sizes(), generator, torch::kFloat32).to(codes.options());
    result = result + noise * draw_levels(codes.size(0), disturbance.noise, 1.0, random, codes);
  }
  return result;
}

Tensor pad_batch(std::span<const std::vector<std::uint16_t>> segments, const model::CompactConfig& config) {
  std::size_t longest = 0;
  for (const auto& segment : segments) longest = std::max(longest, segment.size() + 1);
  const auto group = static_cast<std::size_t>(config.group());
  const std::size_t length = (longest + group - 1) / group * group;
  Tensor tokens = torch::full({static_cast<std::int64_t>(segments.size()), static_cast<std::int64_t>(length)},
                              config.pad_id, torch::kInt64);
  auto rows = tokens.accessor<std::int64_t, 2>();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    auto row = rows[static_cast<std::int64_t>(i)];
    std::int64_t at = 0;
    for (const std::uint16_t token : segments[i]) row[at++] = token;
    row[at] = config.eos_id;
  }
  return tokens;
}

Outcome reconstruct(model::CompactNetworkImpl& network, const Tensor& tokens, const Disturbance& disturbance,
                    std::int64_t candidates, base::Random& random) {
  const auto& config = network.encoder->config;
  const std::int64_t batch = tokens.size(0), length = tokens.size(1);
  const Tensor codes = disturb(network.encoder->forward(tokens), disturbance, random);
  const Tensor begin = torch::full({batch, 1}, config.bos_id, tokens.options());
  const Tensor inputs = torch::cat({begin, tokens.slice(1, 0, length - 1)}, 1);
  const Tensor states = network.decoder->hidden(inputs, codes, network.decoder->inject(codes));
  const Tensor padding = tokens.eq(config.pad_id);
  const Choice choice = candidates > 0 ? choose_candidates(tokens, config.vocabulary, candidates, random) : Choice{};
  const Tensor logits =
      candidates > 0 ? network.decoder->logits_among(states, choice.pieces) : network.decoder->logits(states);
  const Tensor targets = (candidates > 0 ? choice.targets : tokens).masked_fill(padding, kIgnored);
  Outcome outcome;
  outcome.loss = torch::nn::functional::cross_entropy(
      logits.flatten(0, 1), targets.flatten(), torch::nn::functional::CrossEntropyFuncOptions().ignore_index(kIgnored));
  torch::NoGradGuard guard;
  const Tensor right = logits.detach().argmax(-1).eq(targets);  // never at padding
  outcome.right_tokens = right.sum().item<std::int64_t>();
  outcome.tokens = batch * length - padding.sum().item<std::int64_t>();
  outcome.segments = batch;
  outcome.exact_segments = right.logical_or(padding).all(1).sum().item<std::int64_t>();
  return outcome;
}

}  // namespace larimar::train
