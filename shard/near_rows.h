#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/linalg/matrix.h"
#include "shard/compressed_rows.h"
#include "shard/key_owner.h"
#include "shard/row_store.h"

namespace larimar::shard {

/// From so many queries one pass for all is faster than a pass for each (measured; the answers are the same). With kFloat32 a
/// pass for each gives exact scores and makes the shortlist needless.
[[nodiscard]] constexpr std::size_t least_batch(KeyStore store) {
  switch (store) {
    case KeyStore::kInt8:
      return 8;
    case KeyStore::kBFloat16:
      return 7;
    case KeyStore::kFloat32:
      break;
  }
  return 3;
}

/// All rows of a shard, as floats and as they are scanned.
struct ScannedKeys {
  const RowStore& keys;                // [rows, D]
  const CompressedRows& scanned;       // [rows, D]
  std::span<const KeyOwner> owners{};  // [rows]; rows of the absent segment are passed over
};

/// For each query the rows, rising, among which the exact k best segments are for certain (Shortlist), usually a few more
/// than k. One query at a time goes through the compressed rows; a batch goes through them together.
/// Shapes  queries [queries, D]; returns [queries].
/// Calls   local. Thread-safe. Preconditions: queries are finite with norms of at most 1e18, k > 0; fewer than least_batch
///         queries not with kFloat32.
[[nodiscard]] std::vector<std::vector<std::uint32_t>> near_rows(const ScannedKeys& all, linalg::ConstMatrixRef queries,
                                                                std::size_t k);

}  // namespace larimar::shard
