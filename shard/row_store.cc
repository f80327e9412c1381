#include "shard/row_store.h"

#include <new>

#include "common/base/contracts.h"

namespace larimar::shard {
namespace {

constexpr std::align_val_t kCacheLine{64};

}  // namespace

void RowStore::Free::operator()(float* floats) const { ::operator delete(floats, kCacheLine); }

RowStore::RowStore(std::size_t width, std::size_t rows_per_chunk) : width_(width), rows_per_chunk_(rows_per_chunk) {
  LARIMAR_EXPECT(width > 0 && rows_per_chunk > 0);
}

void RowStore::append(linalg::ConstMatrixRef rows) {
  LARIMAR_EXPECT(static_cast<std::size_t>(rows.cols()) == width_);
  for (linalg::Index r = 0; r < rows.rows(); ++r) {
    const std::size_t place = size_ % rows_per_chunk_;
    if (place == 0)
      chunks_.emplace_back(static_cast<float*>(::operator new(rows_per_chunk_* width_ * sizeof(float), kCacheLine)));
    std::copy_n(rows.row(r).data(), width_, chunks_.back().get() + place * width_);
    ++size_;
  }
}

std::span<const float> RowStore::row(std::size_t index) const { return run(index, 1); }

std::span<const float> RowStore::run(std::size_t first, std::size_t limit) const {
  LARIMAR_EXPECT(first < size_ && limit > 0);
  const std::size_t place = first % rows_per_chunk_;
  const std::size_t rows = std::min({limit, rows_per_chunk_ - place, size_ - first});
  return {chunks_[first / rows_per_chunk_].get() + place * width_, rows * width_};
}

}  // namespace larimar::shard
