#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "common/linalg/matrix.h"

namespace larimar::shard {

/// Rows of floats that only grow. Appending never moves what is there, so memory peaks at what is stored plus one chunk, and
/// a row's address stays valid while the store lives. Rows are copied into chunks that begin on a cache line, or stay
/// where they are, say in a mapped file.
/// Owns the copied rows; one thread writes, many may read between writes.
class RowStore {
 public:
  /// width > 0, rows_per_chunk > 0: preconditions.
  explicit RowStore(std::size_t width, std::size_t rows_per_chunk = 1024);

  /// Precondition: rows.cols() == width().
  void append(linalg::ConstMatrixRef rows);
  /// Not copied: `rows`, one after another, must outlive the store. Precondition: a multiple of width().
  void append_borrowed(std::span<const float> rows);

  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Precondition: index < size(). Length width(). Cost O(log chunks).
  [[nodiscard]] std::span<const float> row(std::size_t index) const;
  /// The rows from `first` that lie one after another in memory: at most `limit`, at least one. Precondition: first < size().
  [[nodiscard]] std::span<const float> run(std::size_t first, std::size_t limit) const;

 private:
  struct Free {
    void operator()(float* floats) const;
  };
  struct Run {
    std::size_t first = 0;  // number of its first row
    const float* rows = nullptr;
  };

  std::size_t width_;
  std::size_t rows_per_chunk_;
  std::size_t size_ = 0;
  std::size_t free_ = 0;                              // rows that the last chunk has room for
  std::vector<std::unique_ptr<float, Free>> chunks_;  // what is owned
  std::vector<Run> runs_;                             // all rows; each run ends where the next begins
};

}  // namespace larimar::shard
