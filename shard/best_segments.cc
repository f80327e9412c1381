#include "shard/best_segments.h"

#include <algorithm>

#include "common/base/contracts.h"

namespace larimar::shard {

BestSegments::BestSegments(std::size_t k) : k_(k) { LARIMAR_EXPECT(k > 0); }

void BestSegments::insert(const wire::Candidate& candidate) {
  LARIMAR_EXPECT(candidate.score == candidate.score);
  const auto same = std::ranges::find(best_, candidate.segment, &wire::Candidate::segment);
  if (same != best_.end()) {
    if (candidate.score <= same->score) return;
    best_.erase(same);
  }
  const auto place = std::ranges::upper_bound(best_, candidate, wire::ranks_before);
  best_.insert(place, candidate);
  if (best_.size() > k_) best_.pop_back();
  full_ = best_.size() == k_;
}

}  // namespace larimar::shard
