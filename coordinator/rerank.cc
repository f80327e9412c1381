#include "coordinator/rerank.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "common/base/contracts.h"

namespace larimar::coordinator {
namespace {

/// Places of the query's sources in their new order.
std::vector<std::size_t> order_of(const std::vector<double>& likelihoods, std::size_t k) {
  std::vector<std::size_t> order(k);
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Sources that are not there stand behind the others and stay there.
  std::stable_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(likelihoods.size()),
                   [&](std::size_t a, std::size_t b) { return likelihoods[a] > likelihoods[b]; });
  return order;
}

}  // namespace

void rerank(DecodedRead& decoded, std::span<const std::vector<double>> likelihoods, std::size_t keep) {
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
    const std::vector<std::size_t> order = order_of(likelihoods[q], k);
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
