#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "common/text/tokenizer.h"

namespace larimar::text {

/// The merges of a BPE model by pairs of ids, and how they are applied. Immutable once filled, thread-safe.
class MergeTable {
 public:
  explicit MergeTable(std::size_t expected);

  /// `left` and `right` become `result`; lower ranks go first. Of equal pairs the last one counts, as in Hugging Face.
  void add(TokenId left, TokenId right, std::uint32_t rank, TokenId result);

  /// Appends what remains of `parts` when no pair can be merged any more: always the pair of lowest rank, the leftmost
  /// among equals. Destroys `parts`. Cost O(n log n).
  void merge(std::span<TokenId> parts, std::vector<TokenId>& ids) const;

  /// Up to this length pairs are looked at anew each time, which beats a queue there and needs no memory.
  static constexpr std::size_t kShort = 64;

 private:
  struct Entry {
    std::uint64_t pair = kFree;
    std::uint32_t rank = kNoRank;
    TokenId result = -1;
  };
  static constexpr std::uint64_t kFree = ~std::uint64_t{0};  // no pair: ids are not negative
  static constexpr std::uint32_t kNoRank = ~std::uint32_t{0};

  [[nodiscard]] std::size_t slot_of(std::uint64_t pair) const;
  [[nodiscard]] const Entry& find(TokenId left, TokenId right) const;  // a free entry if there is none
  void merge_short(std::span<TokenId> parts, std::vector<TokenId>& ids) const;
  void merge_long(std::span<const TokenId> parts, std::vector<TokenId>& ids) const;

  std::vector<Entry> entries_;  // open addressing, at most half full
  int shift_ = 0;
};

}  // namespace larimar::text
