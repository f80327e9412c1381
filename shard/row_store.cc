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
    if (free_ == 0) {
      chunks_.emplace_back(static_cast<float*>(::operator new(rows_per_chunk_* width_ * sizeof(float), kCacheLine)));
      runs_.push_back({size_, chunks_.back().get()});
      free_ = rows_per_chunk_;
    }
    std::copy_n(rows.row(r).data(), width_, chunks_.back().get() + (rows_per_chunk_ - free_) * width_);
    --free_;
    ++size_;
  }
}

void RowStore::append_borrowed(std::span<const float> rows) {
  LARIMAR_EXPECT(rows.size() % width_ == 0);
  if (rows.empty()) return;
  runs_.push_back({size_, rows.data()});
  size_ += rows.size() / width_;
  free_ = 0;  // the next copied row needs a run of its own
}

std::span<const float> RowStore::row(std::size_t index) const { return run(index, 1); }

std::span<const float> RowStore::run(std::size_t first, std::size_t limit) const {
  LARIMAR_EXPECT(first < size_ && limit > 0);
  const auto next = std::ranges::upper_bound(runs_, first, {}, &Run::first);
  const std::size_t end = next == runs_.end() ? size_ : next->first;
  const Run& found = *(next - 1);
  return {found.rows + (first - found.first) * width_, std::min(limit, end - first) * width_};
}

}  // namespace larimar::shard
