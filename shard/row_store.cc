#include "shard/row_store.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

#include "common/base/contracts.h"

namespace larimar::shard {
namespace {

constexpr std::size_t kCacheLine = 64, kHugePage = std::size_t{2} << 20;

/// A chunk of about a huge page or more is made of whole ones: a scan in pages of 4 KiB loses up to half of its speed to address
/// translation where memory has not been looked at for a while. Without huge pages it works as well.
bool is_large(std::size_t bytes) { return bytes >= kHugePage / 2; }

std::size_t round_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

float* allocate(std::size_t bytes) {
  const std::size_t unit = is_large(bytes) ? kHugePage : kCacheLine;
  void* place = std::aligned_alloc(unit, round_up(bytes, unit));
  if (place == nullptr) throw std::bad_alloc();
  if (is_large(bytes)) static_cast<void>(::madvise(place, round_up(bytes, unit), MADV_HUGEPAGE));
  return static_cast<float*>(place);
}

}  // namespace

void RowStore::Free::operator()(float* floats) const { std::free(floats); }

RowStore::RowStore(std::size_t width, std::size_t rows_per_chunk) : width_(width), rows_per_chunk_(rows_per_chunk) {
  LARIMAR_EXPECT(width > 0 && rows_per_chunk > 0);
  const std::size_t row_bytes = width * sizeof(float), bytes = rows_per_chunk * row_bytes;
  if (is_large(bytes)) rows_per_chunk_ = round_up(bytes, kHugePage) / row_bytes;
}

void RowStore::append(linalg::ConstMatrixRef rows) {
  LARIMAR_EXPECT(static_cast<std::size_t>(rows.cols()) == width_);
  for (linalg::Index r = 0; r < rows.rows(); ++r) {
    if (free_ == 0) {
      chunks_.emplace_back(allocate(rows_per_chunk_ * width_ * sizeof(float)));
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
