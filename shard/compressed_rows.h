#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "common/linalg/dot_batch.h"
#include "common/linalg/matrix.h"
#include "shard/key_memory.h"
#include "shard/key_store.h"

namespace larimar::shard {

/// A query as the kernels of one key store take it. Of one KeyStore and width.
struct ScanQuery {
  std::vector<float> floats{};           // kBFloat16: padded, even components first
  std::vector<std::int16_t> integers{};  // kInt8: padded
  float factor = 0.0F;                   // kInt8: query = factor * integers, but for rounding
  float norm = 0.0F;                     // what bounds are multiplied with: at least the query's own
};

/// Several queries, for the kernels of batches.
struct ScanBatch {
  linalg::PackedVectors packed;
  std::vector<float> norms{};    // [padded], zero for what fills up
  std::vector<float> factors{};  // [padded], kInt8
};
/// Where rows of a block are widened; kept from block to block.
struct ScanScratch {
  std::vector<float> floats{};
  std::vector<std::int16_t> integers{};
};

/// Keys as a scan passes over them: bf16 or int8 components, and beside each row what its scores may be off by. With
/// kFloat32 there are no components, only that bound, since scores of many queries at once add up in another order than exact ones.
///   |score - exact score of the float key| <= bound * norm of the query + kLeastBound    for every way to compute it here
/// where the exact score is linalg::dot_scores. docs/numerics.md derives the bounds.
/// Memory: width * 2 or 1 bytes, padded, and 4 or 8 bytes a row, in pieces of 8 MiB.
/// Owns the rows; one thread writes, many may read between writes.
class CompressedRows {
 public:
  /// width > 0, rows_per_piece > 0 or 0 for the usual: preconditions. `folder`: as KeyMemory.
  CompressedRows(KeyStore store, std::size_t width, std::size_t rows_per_piece = 0, std::filesystem::path folder = {});

  /// Precondition: rows are finite with norms of at most 1e18, rows.cols() == width. Throws as KeyMemory.
  void append(linalg::ConstMatrixRef rows);

  [[nodiscard]] ScanQuery prepare(std::span<const float> query) const;

  /// The rows from `first` that lie in one piece, at most `limit`, at least one. Precondition: first < size().
  [[nodiscard]] std::size_t run(std::size_t first, std::size_t limit) const;
  /// For rows [first, first + scores.size()), which must lie in one piece; not with kFloat32.
  void score(std::size_t first, const ScanQuery& query, std::span<float> scores) const;
  /// Many queries at once. With kFloat32 pass them and the float rows to dot_batch.
  /// Shapes  queries [count, width]; scores [rows, batch.packed.padded()].
  [[nodiscard]] ScanBatch prepare_batch(linalg::ConstMatrixRef queries) const;
  void score_batch(std::size_t first, const ScanBatch& batch, ScanScratch& scratch, std::span<float> scores) const;
  [[nodiscard]] std::span<const float> bounds(std::size_t first, std::size_t rows) const;
  /// All components of a piece, for measurements.
  [[nodiscard]] std::span<const std::byte> components(std::size_t first, std::size_t rows) const;

  [[nodiscard]] KeyStore store() const { return store_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t padded() const { return padded_; }

 private:
  struct Piece {
    std::byte* components;
    float* scales;
    float* bounds;
  };
  [[nodiscard]] Piece piece_of(std::size_t row) const;  // already moved on to the row
  [[nodiscard]] std::size_t row_bytes() const;
  void store_row(std::span<const float> row, const Piece& place) const;

  KeyStore store_;
  std::size_t width_, padded_;
  std::size_t rows_per_piece_;
  std::filesystem::path folder_;
  std::size_t size_ = 0;
  std::vector<KeyMemory> pieces_;  // components [rows, padded], scales [rows], bounds [rows]
};

/// Where products underflow no relative bound holds.
inline constexpr float kLeastBound = 1e-34F;

}  // namespace larimar::shard
