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

namespace {

/// Takes for each query the first `keep` sources in this order, with all that belongs to them. Those that are not named, which are
/// not there, stand behind and stay there.
/// Shapes  orders [queries], each a permutation of the sources that are there.
void take_in_order(DecodedRead& decoded, std::span<std::vector<std::size_t>> orders, std::size_t keep) {
  const BatchRead& old = decoded.read;
  const std::size_t queries = orders.size();
  const std::size_t k = old.reads;
  LARIMAR_EXPECT(keep <= k && old.records.size() == queries * k && decoded.texts.size() == queries * k);
  DecodedRead next;
  next.read.z_read.resize(static_cast<linalg::Index>(queries * keep), old.z_read.cols());
  next.read.reads = keep;
  next.read.margin = old.margin;
  next.read.slots = old.slots;
  next.read.participation = old.participation;
  for (std::size_t q = 0; q < queries; ++q) {
    std::vector<std::size_t>& order = orders[q];
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

}  // namespace

void rerank(DecodedRead& decoded, std::span<std::vector<double>> likelihoods, std::size_t keep, double key_weight) {
  const std::size_t k = decoded.read.reads;
  std::vector<std::vector<std::size_t>> orders;
  for (std::size_t q = 0; q < likelihoods.size(); ++q) {
    std::vector<double>& mine = likelihoods[q];
    LARIMAR_EXPECT(mine.size() <= k);
    orders.push_back(likeliest_first(mine, std::span(decoded.read.scores).subspan(q * k, mine.size()), key_weight));
    std::vector<double> sorted;
    for (const std::size_t from : orders.back()) sorted.push_back(mine[from]);
    sorted.resize(std::min(keep, sorted.size()));
    mine = std::move(sorted);
  }
  take_in_order(decoded, orders, keep);
}

void rank_by_scores(DecodedRead& decoded, std::span<const std::vector<float>> scores, std::size_t keep) {
  BatchRead& read = decoded.read;
  std::vector<std::vector<std::size_t>> orders;
  for (std::size_t q = 0; q < scores.size(); ++q) {
    const std::vector<float>& mine = scores[q];
    LARIMAR_EXPECT(mine.size() <= read.reads);
    std::ranges::copy(mine, read.scores.begin() + static_cast<std::ptrdiff_t>(q * read.reads));
    std::vector<std::size_t>& order = orders.emplace_back(mine.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return mine[a] > mine[b]; });
    read.margin[q].reset();
    if (order.size() > 1) read.margin[q] = mine[order[0]] - mine[order[1]];
  }
  take_in_order(decoded, orders, keep);
}

}  // namespace larimar::coordinator
