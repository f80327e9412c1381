#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

#include "common/base/ids.h"
#include "common/linalg/matrix.h"
#include "common/wire/read.h"
#include "shard/row_store.h"

namespace larimar::shard {

/// Whose key a row is.
struct KeyOwner {
  base::SlotIndex slot{};
  base::SegmentId segment{};
};

/// The write keys of a shard and the exact scan over them. A segment may own several rows (key mode `sentence`); its
/// score is the greatest dot product over them. Dot products follow common/linalg/fixed_dot.h, so a score depends on the
/// two keys alone: not on the number of shards, the other rows, or the queries asked together.
/// Owns the keys; one thread writes, many may read between writes.
class KeyIndex {
 public:
  /// key_size > 0 (ShapeError).
  explicit KeyIndex(linalg::Index key_size, std::size_t rows_per_chunk = 1024);

  /// Shapes  keys [rows, key size], owners [rows].
  /// Units   finite, norm at most 1e18 so that no dot product can overflow; of unit length where scores shall be cosines.
  /// Throws  ShapeError; NumericalError naming the row. Nothing is changed then.
  void append(linalg::ConstMatrixRef keys, std::span<const KeyOwner> owners);
  /// What append and scan would refuse, without doing it; `name` is "write keys" or "read keys".
  void check(linalg::ConstMatrixRef keys, const char* name) const;

  /// The rows of these segments are no longer found. Their memory stays until the index goes. Cost O(rows).
  void erase(const std::unordered_set<base::SegmentId>& segments);
  /// Segments with a row whose score is at least `threshold`, in ascending order of their ids.
  /// Shapes  query [1, key size]. Throws as scan.
  [[nodiscard]] std::vector<base::SegmentId> matches(linalg::ConstMatrixRef query, float threshold) const;
  /// Rows of these slots, ascending. Cost O(rows).
  [[nodiscard]] std::vector<std::uint32_t> rows_of(const std::unordered_set<base::SlotIndex>& slots) const;

  /// The k best segments for each query over all rows.
  /// Shapes  queries [queries, key size]; returns [queries, k], best first, kAbsent where the shard has fewer segments.
  /// Calls   local. Thread-safe between appends.
  /// Throws  ShapeError if widths differ or k is 0; NumericalError as append.
  /// Cost    2 rows queries key_size flops and one pass over the keys for all queries.
  [[nodiscard]] std::vector<wire::Candidate> scan(linalg::ConstMatrixRef queries, std::size_t k) const;

  /// scan of one query restricted to some rows, each < rows(). Returns [k].
  [[nodiscard]] std::vector<wire::Candidate> scan_rows(linalg::ConstMatrixRef query,
                                                       std::span<const std::uint32_t> rows, std::size_t k) const;

  [[nodiscard]] std::size_t rows() const { return keys_.size(); }
  [[nodiscard]] linalg::Index key_size() const { return static_cast<linalg::Index>(keys_.width()); }
  [[nodiscard]] std::span<const float> key(std::size_t row) const { return keys_.row(row); }
  [[nodiscard]] const KeyOwner& owner(std::size_t row) const { return owners_[row]; }

 private:
  template <class Offer>
  void scan_all(linalg::ConstMatrixRef queries, const Offer& offer) const;

  RowStore keys_;
  std::vector<KeyOwner> owners_;  // [rows]; an erased row belongs to the absent segment
};

}  // namespace larimar::shard
