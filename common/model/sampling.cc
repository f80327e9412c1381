#include "common/model/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "common/base/error.h"
#include "common/base/random.h"

namespace larimar::model {
namespace {

struct Candidate {
  text::TokenId token = 0;
  double weight = 0;  // probability, up to a common factor
};

bool is_likelier(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
}

double total(const std::vector<Candidate>& candidates) {
  return std::accumulate(candidates.begin(), candidates.end(), 0.0,
                         [](double sum, const Candidate& candidate) { return sum + candidate.weight; });
}

void keep_nucleus(std::vector<Candidate>& candidates, double top_p) {
  const double wanted = top_p * total(candidates);
  double sum = 0;
  std::size_t kept = 0;
  while (kept < candidates.size() && (kept == 0 || sum < wanted)) sum += candidates[kept++].weight;
  candidates.resize(kept);
}

double uniform(std::uint64_t seed, std::size_t row, std::size_t position) {
  // Each number goes through the generator alone, so that neighbouring rows and positions have nothing in common.
  base::Random of_row(base::Random(seed).next() ^ static_cast<std::uint64_t>(row));
  return base::Random(of_row.next() ^ static_cast<std::uint64_t>(position)).uniform();
}

}  // namespace

void check_sampling(const Sampling& sampling) {
  if (!(sampling.temperature >= 0) || !std::isfinite(sampling.temperature))
    throw base::ConfigError("the temperature must be 0 or more, not " + std::to_string(sampling.temperature));
  if (!(sampling.top_p >= 0 && sampling.top_p <= 1))
    throw base::ConfigError("top-p must lie in 0 to 1, not " + std::to_string(sampling.top_p));
}

text::TokenId choose_token(std::span<const float> logits, const Sampling& sampling, std::size_t row,
                           std::size_t position) {
  const auto best = std::max_element(logits.begin(), logits.end());
  const bool has_nan = std::any_of(logits.begin(), logits.end(), [](float logit) { return std::isnan(logit); });
  if (best == logits.end() || has_nan || !std::isfinite(*best))
    throw base::NumericalError("the model gives logits that are not finite (are the weights damaged?)");
  if (sampling.temperature == 0) return static_cast<text::TokenId>(best - logits.begin());
  std::vector<Candidate> candidates(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double above = (static_cast<double>(logits[i]) - static_cast<double>(*best)) / sampling.temperature;
    candidates[i] = {static_cast<text::TokenId>(i), std::exp(above)};
  }
  const std::size_t kept = sampling.top_k == 0 ? candidates.size() : std::min(sampling.top_k, candidates.size());
  if (kept < candidates.size() || sampling.top_p < 1) {
    std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(kept), candidates.end(),
                      is_likelier);
    candidates.resize(kept);
    if (sampling.top_p < 1) keep_nucleus(candidates, sampling.top_p);
  }
  double left = uniform(sampling.seed, row, position) * total(candidates);
  for (const Candidate& candidate : candidates) {
    if (left < candidate.weight) return candidate.token;
    left -= candidate.weight;
  }
  // Rounding can leave a last bit over: then the last token that can be drawn at all.
  const auto last = std::find_if(candidates.rbegin(), candidates.rend(),
                                 [](const Candidate& candidate) { return candidate.weight > 0; });
  return last->token;
}

}  // namespace larimar::model
