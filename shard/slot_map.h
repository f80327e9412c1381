#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/contracts.h"
#include "common/base/ids.h"

namespace larimar::shard {

/// Segment id -> slot, where the ids lie in another table by slot: open addressing with 4 bytes a place, an eighth of what a
/// node-based map takes. That is what lets the tables of a shard stay small beside int8 keys.
/// `id_of(slot)` must give the id under which the slot was inserted for as long as it is there.
class SlotMap {
 public:
  template <class IdOf>
  [[nodiscard]] std::optional<base::SlotIndex> find(base::SegmentId id, const IdOf& id_of) const {
    if (places_.empty()) return std::nullopt;
    for (std::size_t place = start(id);; place = next(place)) {
      if (places_[place] == kFree) return std::nullopt;
      if (places_[place] != kGone && id_of(places_[place]) == id) return base::SlotIndex{places_[place]};
    }
  }

  /// Precondition: the id is not there.
  template <class IdOf>
  void insert(base::SegmentId id, base::SlotIndex slot, const IdOf& id_of) {
    LARIMAR_EXPECT(slot.value < kGone);
    if ((used_ + 1) * 4 > places_.size() * 3) grow((size_ + 1) * 2, id_of);
    std::size_t place = start(id);
    while (places_[place] < kGone) place = next(place);
    used_ += places_[place] == kFree ? 1U : 0U;
    places_[place] = slot.value;
    ++size_;
  }

  template <class IdOf>
  void erase(base::SegmentId id, const IdOf& id_of) {
    if (places_.empty()) return;
    for (std::size_t place = start(id); places_[place] != kFree; place = next(place)) {
      if (places_[place] == kGone || id_of(places_[place]) != id) continue;
      places_[place] = kGone;
      --size_;
      return;
    }
  }

  /// Room for so many in all.
  template <class IdOf>
  void reserve(std::size_t count, const IdOf& id_of) {
    if (count * 4 > places_.size() * 3) grow(count, id_of);
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::uint32_t kFree = 0xFFFFFFFFU, kGone = 0xFFFFFFFEU;

  [[nodiscard]] std::size_t start(base::SegmentId id) const {
    const std::uint64_t mixed = (id.value ^ (id.value >> 32U)) * 0x9E3779B97F4A7C15U;
    return static_cast<std::size_t>((static_cast<unsigned __int128>(mixed) * places_.size()) >> 64U);
  }
  [[nodiscard]] std::size_t next(std::size_t place) const { return place + 1 == places_.size() ? 0 : place + 1; }

  /// Places for `count` at a load of two thirds; what was erased leaves nothing behind.
  template <class IdOf>
  void grow(std::size_t count, const IdOf& id_of) {
    std::vector<std::uint32_t> old(count + count / 2 + 8, kFree);
    old.swap(places_);
    for (const std::uint32_t slot : old) {
      if (slot >= kGone) continue;
      std::size_t place = start(id_of(slot));
      while (places_[place] != kFree) place = next(place);
      places_[place] = slot;
    }
    used_ = size_;
  }

  std::vector<std::uint32_t> places_;
  std::size_t size_ = 0;
  std::size_t used_ = 0;  // places that are not free
};

}  // namespace larimar::shard
