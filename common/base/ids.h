#pragma once
#include <compare>
#include <cstdint>
#include <functional>

namespace larimar::base {

/// An integer that cannot be mixed up with another kind of integer. Trivially copyable, ordered, hashable.
template <class Tag, class Representation>
struct StrongId {
  Representation value{};
  friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

/// Identity of a segment: its position in reading order over all documents. Orders ties; the same on any rank count.
/// High 24 bits: document number in the job; low 40 bits: first byte of the segment in that document.
using SegmentId = StrongId<struct SegmentTag, std::uint64_t>;
/// A row of the memory within one shard.
using SlotIndex = StrongId<struct SlotTag, std::uint32_t>;
/// A shard, counted from 0 in the order of the ranks that play it.
using ShardId = StrongId<struct ShardTag, std::uint32_t>;

inline constexpr int kDocumentShift = 40;
inline constexpr std::uint64_t kMaxDocuments = std::uint64_t{1} << 24;
inline constexpr std::uint64_t kMaxDocumentBytes = std::uint64_t{1} << kDocumentShift;

/// Needs document < kMaxDocuments and byte < kMaxDocumentBytes (the corpus checks both when it opens files).
constexpr SegmentId make_segment_id(std::uint64_t document, std::uint64_t byte) {
  return SegmentId{(document << kDocumentShift) | byte};
}
constexpr std::uint32_t document_of(SegmentId id) { return static_cast<std::uint32_t>(id.value >> kDocumentShift); }
constexpr std::uint64_t byte_of(SegmentId id) { return id.value & (kMaxDocumentBytes - 1); }

}  // namespace larimar::base

template <class Tag, class Representation>
struct std::hash<larimar::base::StrongId<Tag, Representation>> {
  std::size_t operator()(larimar::base::StrongId<Tag, Representation> id) const noexcept {
    return std::hash<Representation>{}(id.value);
  }
};
