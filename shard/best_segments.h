#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "common/wire/read.h"

namespace larimar::shard {

/// The k best different segments of those offered so far, best first in the order of wire::ranks_before. A segment
/// that is offered several times counts with its best score. The order of the offers does not matter.
class BestSegments {
 public:
  /// k > 0: a precondition.
  explicit BestSegments(std::size_t k);

  /// candidate.score must be a number: a precondition. O(1) for one that is not among the best, else O(k).
  void offer(const wire::Candidate& candidate) {
    if (full_ && candidate.score < best_.back().score) return;
    insert(candidate);
  }
  /// Scores strictly below cannot get in any more.
  [[nodiscard]] float threshold() const { return full_ ? best_.back().score : wire::kAbsent.score; }
  /// At most k, best first.
  [[nodiscard]] std::span<const wire::Candidate> best() const { return best_; }

 private:
  void insert(const wire::Candidate& candidate);

  std::size_t k_;
  bool full_ = false;
  std::vector<wire::Candidate> best_;
};

}  // namespace larimar::shard
