#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <unordered_set>
#include <vector>

#include "common/base/ids.h"
#include "common/linalg/matrix.h"
#include "common/wire/read.h"
#include "shard/compressed_rows.h"
#include "shard/key_owner.h"
#include "shard/row_store.h"

namespace larimar::shard {

struct KeyIndexOptions {
  KeyStore store = KeyStore::kFloat32;
  std::filesystem::path folder{};     // compressed keys in a mapped file there; empty: in memory
  std::size_t rows_per_chunk = 1024;  // of float keys
  std::size_t rows_per_piece = 0;     // of compressed keys; 0: pieces of 8 MiB
};

/// Where appended float keys are.
enum class Keep {
  kCopy,
  kBorrow,  // where they lie, one after another; they outlive the index
};

/// The write keys of a shard and the exact scan over them. A segment may own several rows (key mode `sentence`); its
/// score is the greatest dot product over them. Dot products follow common/linalg/fixed_dot.h, so a score depends on the
/// two keys alone: not on the number of shards, the other rows, the queries asked together, or how keys are stored.
/// With compressed keys a scan passes over the compressed copy, and then computes the exact scores of those rows that may be
/// among the best, from the float keys: those are read a few at a time and may lie in a mapped file.
/// Owns the keys; one thread writes, many may read between writes.
class KeyIndex {
 public:
  /// key_size > 0 (ShapeError).
  explicit KeyIndex(linalg::Index key_size, KeyIndexOptions options = {});

  /// Shapes  keys [rows, key size], owners [rows].
  /// Units   finite, norm at most 1e18 so that no dot product can overflow; of unit length where scores shall be cosines.
  /// Throws  ShapeError; NumericalError naming the row. Nothing is changed then.
  void append(linalg::ConstMatrixRef keys, std::span<const KeyOwner> owners, Keep keep = Keep::kCopy);
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
  /// Cost    2 rows queries key_size flops and one pass over the scanned keys for all queries. Where very many rows are as near
  ///         as the best, all of these are scored once more.
  [[nodiscard]] std::vector<wire::Candidate> scan(linalg::ConstMatrixRef queries, std::size_t k) const;

  /// scan of one query restricted to some rows, each < rows(). Returns [k].
  [[nodiscard]] std::vector<wire::Candidate> scan_rows(linalg::ConstMatrixRef query,
                                                       std::span<const std::uint32_t> rows, std::size_t k) const;

  /// So that owners need no more memory than they take.
  void reserve(std::size_t rows) { owners_.reserve(rows); }

  [[nodiscard]] std::size_t rows() const { return keys_.size(); }
  [[nodiscard]] linalg::Index key_size() const { return static_cast<linalg::Index>(keys_.width()); }
  [[nodiscard]] std::span<const float> key(std::size_t row) const { return keys_.row(row); }
  [[nodiscard]] const KeyOwner& owner(std::size_t row) const { return owners_[row]; }
  [[nodiscard]] const CompressedRows& scanned() const { return scanned_; }

 private:
  template <class Offer>
  void scan_all(linalg::ConstMatrixRef queries, const Offer& offer) const;
  [[nodiscard]] std::vector<wire::Candidate> best_of(std::span<const float> query, std::span<const std::uint32_t> rows,
                                                     std::size_t k) const;

  RowStore keys_;
  CompressedRows scanned_;
  std::vector<KeyOwner> owners_;  // [rows]; an erased row belongs to the absent segment
};

}  // namespace larimar::shard
