#include "shard/segment_table.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "common/base/contracts.h"
#include "common/base/error.h"

namespace larimar::shard {
namespace {

constexpr std::size_t kMostSegments = 0xFFFFFFFEU;

std::string name_of(const SegmentInfo& segment) {
  return "segment " + std::to_string(segment.id.value) + " (document " + std::to_string(segment.document) + ", bytes " +
         std::to_string(segment.byte_begin) + " to " + std::to_string(segment.byte_end) + ")";
}

}  // namespace

void SegmentTable::check(std::span<const SegmentInfo> segments) const {
  if (segments.size() > kMostSegments - size()) {
    throw base::FormatError("a shard can hold 4294967294 segments and this batch would pass that; use more shards");
  }
  std::unordered_set<base::SegmentId> batch;
  for (const SegmentInfo& segment : segments) {
    if (segment.byte_end < segment.byte_begin) throw base::FormatError(name_of(segment) + " ends before it begins");
    if (find(segment.id) || !batch.insert(segment.id).second) {
      throw base::FormatError(name_of(segment) + " is written twice to the same shard; each segment id may come once");
    }
  }
}

void SegmentTable::reserve(std::size_t segments) {
  segments_.reserve(segments);
  slot_of_.reserve(segments, id_of());
}

void SegmentTable::erase(base::SegmentId id) { slot_of_.erase(id, id_of()); }

void SegmentTable::append(std::span<const SegmentInfo> segments) {
  check(segments);
  for (const SegmentInfo& segment : segments) {
    segments_.push_back(segment);  // first: the map looks ids up here
    slot_of_.insert(segment.id, base::SlotIndex{static_cast<std::uint32_t>(segments_.size() - 1)}, id_of());
  }
}

const SegmentInfo& SegmentTable::at(base::SlotIndex slot) const {
  LARIMAR_EXPECT(slot.value < segments_.size());
  return segments_[slot.value];
}

std::optional<base::SlotIndex> SegmentTable::find(base::SegmentId id) const { return slot_of_.find(id, id_of()); }

std::vector<base::SegmentId> SegmentTable::of_document(std::uint32_t document) const {
  std::vector<base::SegmentId> found;
  for (std::uint32_t slot = 0; slot < segments_.size(); ++slot) {
    const SegmentInfo& segment = segments_[slot];
    if (segment.document == document && find(segment.id) == base::SlotIndex{slot}) found.push_back(segment.id);
  }
  std::ranges::sort(found);
  return found;
}

}  // namespace larimar::shard
