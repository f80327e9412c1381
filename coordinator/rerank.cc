#include "coordinator/rerank.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/contracts.h"

namespace larimar::coordinator {

std::vector<std::size_t> likeliest_first(std::span<const double> likelihoods, std::span<const float> scores,
                                         double key_weight) {
  LARIMAR_EXPECT(likelihoods.size() == scores.size());
  const auto worth = [&](std::size_t i) { return likelihoods[i] + key_weight * static_cast<double>(scores[i]); };
  std::vector<std::size_t> order(likelihoods.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return worth(a) > worth(b); });
  return order;
}

void rerank(DecodedRead& decoded, std::span<std::vector<double>> likelihoods, std::size_t keep, double key_weight) {
  const BatchRead& old = decoded.read;
  const std::size_t queries = likelihoods.size();
  const std::size_t k = old.reads;
  LARIMAR_EXPECT(keep <= k && old.records.size() == queries * k && decoded.texts.size() == queries * k);
  DecodedRead next;
  next.read.z_read.resize(static_cast<linalg::Index>(queries * keep), old.z_read.cols());
  next.read.reads = keep;
  next.read.margin = old.margin;
  next.read.slots = old.slots;
  next.read.participation = old.participation;
  for (std::size_t q = 0; q < queries; ++q) {
    LARIMAR_EXPECT(likelihoods[q].size() <= k);
    std::vector<double>& mine = likelihoods[q];
    std::vector<std::size_t> order =
        likeliest_first(mine, std::span(old.scores).subspan(q * k, mine.size()), key_weight);
    std::vector<double> sorted;
    for (const std::size_t from : order) sorted.push_back(mine[from]);
    sorted.resize(std::min(keep, sorted.size()));
    mine = std::move(sorted);
    // Sources that are not there stand behind the others and stay there.
    for (std::size_t i = order.size(); i < k; ++i) order.push_back(i);
    for (std::size_t i = 0; i < keep; ++i) {
      const std::size_t from = q * k + order[i];
      next.read.z_read.row(static_cast<linalg::Index>(q * keep + i)) = old.z_read.row(static_cast<linalg::Index>(from));
      next.read.records.push_back(old.records[from]);
      next.read.scores.push_back(old.scores[from]);
      next.read.weights.push_back(old.weights[q * k + i]);
      next.texts.push_back(std::move(decoded.texts[from]));
    }
    if (keep > 0 && order.front() != 0) next.read.slots[q] = old.records[q * k + order.front()].slot.value;
  }
  decoded = std::move(next);
}

}  // namespace larimar::coordinator
