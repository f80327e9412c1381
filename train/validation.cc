#include "train/validation.h"

#include <torch/torch.h>

#include <algorithm>
#include <vector>

#include "train/objective.h"

namespace larimar::train {
namespace {

constexpr std::size_t kBatch = 64;

}  // namespace

Tally validate_part(Lesson& lesson, std::int64_t step, const ValidationText& text, int part, int parts) {
  torch::NoGradGuard guard;
  std::vector<std::vector<std::uint16_t>> chosen;
  const std::size_t stride = std::max<std::size_t>(1, text.segments.size() / lesson.segments_to_judge());
  for (std::size_t i = 0; i < text.segments.size(); i += stride)
    chosen.emplace_back(text.segments[i].begin(), text.segments[i].end());
  std::ranges::stable_sort(chosen, {}, &std::vector<std::uint16_t>::size);
  Tally sum;
  const auto first = static_cast<std::size_t>(part) * kBatch, stride_of_part = static_cast<std::size_t>(parts) * kBatch;
  for (std::size_t at = first; at < chosen.size(); at += stride_of_part) {
    const auto batch = std::span(chosen).subspan(at, std::min(kBatch, chosen.size() - at));
    const Outcome outcome = lesson.judge(pad_batch(batch, text.sizes).to(text.device), step);
    sum += {0.0, outcome.tokens, outcome.right_tokens, outcome.segments, outcome.exact_segments};
  }
  return sum;
}

}  // namespace larimar::train
