// Compiled once for each instruction set: foreach_target.h includes this file again and again.
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_WANT_AVX3_DL
#include "common/linalg/dot_batch.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/linalg/dot_batch.cc"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "common/linalg/dot_batch.inc"

#if HWY_ONCE
#include <cstring>

#include "common/base/contracts.h"

namespace larimar::linalg {

HWY_EXPORT(group_size);
HWY_EXPORT(dot_batch_floats);
HWY_EXPORT(dot_batch_pairs);

PackedVectors::PackedVectors(std::span<const float> queries, std::size_t width)
    : width_(width), group_(HWY_DYNAMIC_DISPATCH(group_size)()) {
  LARIMAR_EXPECT(width > 0 && queries.size() % width == 0);
  pack(reinterpret_cast<const std::uint32_t*>(queries.data()), queries.size() / width, width);
}

PackedVectors::PackedVectors(std::span<const std::int16_t> queries, std::size_t width)
    : width_(width), group_(HWY_DYNAMIC_DISPATCH(group_size)()) {
  LARIMAR_EXPECT(width > 0 && width % 2 == 0 && queries.size() % width == 0);
  pack(reinterpret_cast<const std::uint32_t*>(queries.data()), queries.size() / width, width / 2);
}

void PackedVectors::pack(const std::uint32_t* queries, std::size_t count, std::size_t units) {
  groups_ = (count + group_ - 1) / group_;
  units_.assign(groups_ * units * group_, 0);
  for (std::size_t first = 0; first < count; first += group_) {
    std::uint32_t* place = units_.data() + first * units;
    const std::size_t together = std::min(group_, count - first);
    for (std::size_t i = 0; i < units; ++i, place += group_) {  // written in the order of memory
      for (std::size_t q = 0; q < together; ++q)
        std::memcpy(place + q, queries + (first + q) * units + i, sizeof *queries);
    }
  }
}

void PackedVectors::copy_floats(std::size_t query, std::span<float> to) const {
  LARIMAR_EXPECT(query < padded() && to.size() == width_ && units_.size() == padded() * width_);
  const std::uint32_t* column = units_.data() + query / group_ * width_ * group_ + query % group_;
  for (std::size_t i = 0; i < width_; ++i) std::memcpy(&to[i], column + i * group_, sizeof to[i]);
}

void dot_batch(std::span<const float> rows, const PackedVectors& queries, std::span<const std::byte> next,
               std::span<float> scores) {
  const std::size_t count = rows.size() / queries.width();
  LARIMAR_EXPECT(rows.size() % queries.width() == 0 && scores.size() == count * queries.padded());
  HWY_DYNAMIC_DISPATCH(dot_batch_floats)
  (rows.data(), count, queries.width(), queries.units(), queries.groups(), nullptr, next, queries.padded(),
   scores.data());
}

void dot_batch(std::span<const float> rows, const PackedVectors& queries, std::span<const float> offsets,
               std::size_t stride, float* scores) {
  const std::size_t count = rows.size() / queries.width();
  LARIMAR_EXPECT(rows.size() % queries.width() == 0 && stride >= queries.padded());
  LARIMAR_EXPECT(offsets.empty() || offsets.size() == queries.padded());
  HWY_DYNAMIC_DISPATCH(dot_batch_floats)
  (rows.data(), count, queries.width(), queries.units(), queries.groups(), offsets.empty() ? nullptr : offsets.data(),
   {}, stride, scores);
}

void dot_batch(std::span<const std::int16_t> rows, const PackedVectors& queries, const IntegerScales& scales,
               std::span<const std::byte> next, std::size_t stride, float* scores) {
  LARIMAR_EXPECT(rows.size() == scales.rows.size() * queries.width() && stride >= queries.padded());
  LARIMAR_EXPECT(scales.queries.size() == queries.padded());
  LARIMAR_EXPECT(scales.offsets.empty() || scales.offsets.size() == queries.padded());
  const float* offsets = scales.offsets.empty() ? nullptr : scales.offsets.data();
  HWY_DYNAMIC_DISPATCH(dot_batch_pairs)
  (rows.data(), scales.rows.size(), queries.width(), queries.units(), queries.groups(), scales.rows.data(),
   scales.queries.data(), offsets, next, stride, scores);
}

}  // namespace larimar::linalg
#endif  // HWY_ONCE
