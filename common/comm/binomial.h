#pragma once
// The tree along which collectives travel: everybody's distance to rank 0 is at most log2 of the number of ranks, and the
// ranks below one are the ones that follow it. For another root, count from there.
#include <algorithm>
#include <bit>

namespace larimar::comm {

/// One rank's place in a binomial tree over ranks 0 ... size - 1. Calls: local.
class Binomial {
 public:
  constexpr Binomial(int rank, int size) : rank_(rank), size_(size) {
    // Rank 0 counts as if it had the next power of two above all ranks as its lowest bit.
    reach_ = rank > 0 ? rank & -rank : static_cast<int>(std::bit_ceil(static_cast<unsigned>(size)));
  }

  /// -1 at the root.
  [[nodiscard]] constexpr int parent() const { return rank_ == 0 ? -1 : rank_ - reach_; }
  /// One past the last rank at or below this one: they are [rank, end()).
  [[nodiscard]] constexpr int end() const { return std::min(rank_ + reach_, size_); }
  /// use(child) for each child, the one with the fewest ranks below it first: together with this rank and the children
  /// before, a child's ranks continue an unbroken run.
  template <class Use>
  constexpr void for_children(Use&& use) const {
    for (int bit = 1; bit < reach_ && rank_ + bit < size_; bit *= 2) use(rank_ + bit);
  }
  /// The same from the largest: who has most to pass on is served first.
  template <class Use>
  constexpr void for_children_largest_first(Use&& use) const {
    for (int bit = reach_ / 2; bit >= 1; bit /= 2) {
      if (rank_ + bit < size_) use(rank_ + bit);
    }
  }

 private:
  int rank_;
  int size_;
  int reach_;  // ranks below, this one included, were the tree complete
};

}  // namespace larimar::comm
