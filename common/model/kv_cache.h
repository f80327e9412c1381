#pragma once
// Keys and values of all layers. LibTorch types.
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace larimar::model {

/// What positions already seen left behind, for rows of one batch. All rows have the same number of columns; a shorter
/// row begins with `padding` columns that nobody looks at, so column c of row b is its position c - padding[b].
/// Storage grows by chunks, one layer after another. Not thread-safe.
class KvCache {
 public:
  struct Sizes {
    std::int64_t layers = 0, heads = 0, head_size = 0;
  };
  KvCache(const Sizes& sizes, const at::TensorOptions& options)
      : sizes_(sizes), options_(options), layers_(static_cast<std::size_t>(sizes.layers)) {}

  /// Forgets everything; one row for each padding. Room for `columns` is made at once.
  void reset(std::vector<std::int64_t> padding, std::int64_t columns);

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(padding_.size()); }
  [[nodiscard]] std::int64_t columns() const { return columns_; }
  [[nodiscard]] const std::vector<std::int64_t>& padding() const { return padding_; }
  [[nodiscard]] bool has_padding() const;
  [[nodiscard]] const KvCache::Sizes& sizes() const { return sizes_; }

  /// Makes room for `count` more columns.
  void reserve(std::int64_t count);
  /// Puts new columns of one layer behind the others: keys and values [rows, new, heads, head_size]. Needs room.
  void append(std::int64_t layer, const at::Tensor& keys, const at::Tensor& values);
  /// The new columns now count; call when all layers have them.
  void advance(std::int64_t count) { columns_ += count; }
  /// Keys and values of a layer up to a column: [rows, heads, columns, head_size], views of the storage.
  [[nodiscard]] at::Tensor keys(std::int64_t layer, std::int64_t end) const;
  [[nodiscard]] at::Tensor values(std::int64_t layer, std::int64_t end) const;

  /// Forgets the columns from `columns` on.
  void truncate(std::int64_t columns) { columns_ = columns; }
  /// The rows of the given numbers, in that order; a number may come again.
  void select(std::span<const std::int64_t> rows);

 private:
  struct Layer {
    at::Tensor keys, values;  // [rows, heads, capacity, head_size]
  };
  Sizes sizes_;
  at::TensorOptions options_;
  std::vector<Layer> layers_;
  std::vector<std::int64_t> padding_;
  std::int64_t columns_ = 0, capacity_ = 0;
};

}  // namespace larimar::model
