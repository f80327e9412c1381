#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/base/ids.h"
#include "shard/slot_map.h"

namespace larimar::shard {

/// Where a segment lies in the context.
struct SegmentInfo {
  base::SegmentId id{};
  std::uint32_t document = 0;
  std::uint64_t byte_begin = 0;  // in the document as it lies on disk
  std::uint64_t byte_end = 0;    // one past the last byte; >= byte_begin
  std::uint64_t line = 0;        // of the first byte, counted from 1
};

/// The segments of one shard in the order in which they came; the position is the SlotIndex under which other parts
/// of the shard know the segment. Owns the records; one thread writes, many may read between writes.
class SegmentTable {
 public:
  /// Throws FormatError, and changes nothing, if an id is already there, comes twice, or a byte range runs backwards.
  void append(std::span<const SegmentInfo> segments);
  /// What append would refuse, without appending.
  void check(std::span<const SegmentInfo> segments) const;

  /// Room for so many in all.
  void reserve(std::size_t segments);

  /// Its id may come again, in a new slot. Precondition: the segment is there.
  void erase(base::SegmentId id);

  /// Slots ever given out; those of erased segments stay empty.
  [[nodiscard]] std::size_t size() const { return segments_.size(); }
  /// Segments that are there.
  [[nodiscard]] std::size_t live() const { return slot_of_.size(); }
  /// Precondition: slot.value < size().
  [[nodiscard]] const SegmentInfo& at(base::SlotIndex slot) const;
  [[nodiscard]] std::optional<base::SlotIndex> find(base::SegmentId id) const;
  /// Segments of a document that are there, ascending. Cost O(size()).
  [[nodiscard]] std::vector<base::SegmentId> of_document(std::uint32_t document) const;

 private:
  [[nodiscard]] auto id_of() const {
    return [this](std::uint32_t slot) { return segments_[slot].id; };
  }

  std::vector<SegmentInfo> segments_;
  SlotMap slot_of_;
};

}  // namespace larimar::shard
