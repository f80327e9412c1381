#include "shard/shortlist.h"

#include <algorithm>

namespace larimar::shard {

void Shortlist::offer(std::uint32_t row, float score, float bound, base::SegmentId segment) {
  if (!(score + bound >= threshold())) return;
  sure_.offer({.score = score - bound, .slot = {}, .segment = segment});
  if (entries_.size() == room_) drop_what_is_out();
  entries_.push_back({row, score + bound});
}

void Shortlist::drop_what_is_out() {
  std::erase_if(entries_, [&](const Entry& entry) { return entry.most < threshold(); });
  room_ = std::max<std::size_t>(1024, 2 * entries_.size());  // so that dropping costs O(1) for each offer
}

std::vector<std::uint32_t> Shortlist::rows() const {
  std::vector<std::uint32_t> left;
  for (const Entry& entry : entries_) {
    if (entry.most >= threshold()) left.push_back(entry.row);
  }
  return left;
}

}  // namespace larimar::shard
