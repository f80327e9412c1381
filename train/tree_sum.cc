#include "train/tree_sum.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/error.h"

namespace larimar::train {

Rows even_part(std::size_t count, std::size_t part, std::size_t parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

TreeSum::TreeSum(std::size_t leaves, std::size_t length) : leaves_(leaves), length_(length) {
  if (leaves == 0) throw base::ConfigError("a sum needs at least one row");
}

// The left one of two neighbours is never cut off by the end of the rows, so its size is the size of its node.
bool TreeSum::are_siblings(Rows left, Rows right) const {
  return left.first % (2 * left.size()) == 0 && right.last == std::min(left.first + 2 * left.size(), leaves_);
}

std::vector<Rows> TreeSum::nodes(Rows rows) const {
  std::vector<Rows> found;
  for (std::size_t row = rows.first; row < rows.last; ++row) {
    found.push_back({row, row + 1});
    while (found.size() > 1 && are_siblings(found[found.size() - 2], found.back())) {
      const std::size_t last = found.back().last;
      found.pop_back();
      found.back().last = last;
    }
  }
  return found;
}

std::size_t TreeSum::pieces(Rows rows) const { return nodes(rows).size(); }

void TreeSum::push(Rows rows, std::span<const float> sums) {
  const std::vector<Rows> pieces = nodes(rows);
  const bool follows = sums_.empty() || sums_.back().rows.last == rows.first;
  if (!follows || rows.last > leaves_ || sums.size() != pieces.size() * length_) {
    throw base::ShapeError(std::to_string(sums.size()) + " floats for rows " + std::to_string(rows.first) + " to " +
                           std::to_string(rows.last) + " of " + std::to_string(leaves_) + ", where " +
                           std::to_string(pieces.size() * length_) + " were expected behind row " +
                           std::to_string(sums_.empty() ? rows.first : sums_.back().rows.last));
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto values = sums.subspan(i * length_, length_);
    sums_.push_back({pieces[i], {values.begin(), values.end()}});
    while (sums_.size() > 1 && are_siblings(sums_[sums_.size() - 2].rows, sums_.back().rows)) {
      const Sum right = std::move(sums_.back());
      sums_.pop_back();
      Sum& left = sums_.back();
      for (std::size_t at = 0; at < length_; ++at) left.values[at] += right.values[at];
      left.rows.last = right.rows.last;
    }
  }
}

std::vector<float> TreeSum::take() {
  if (sums_.size() == 1) {
    std::vector<float> all = std::move(sums_.front().values);
    sums_.clear();
    return all;
  }
  std::vector<float> all;
  all.reserve(sums_.size() * length_);
  for (const Sum& sum : sums_) all.insert(all.end(), sum.values.begin(), sum.values.end());
  sums_.clear();
  return all;
}

}  // namespace larimar::train
