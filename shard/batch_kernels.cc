// Compiled once for each instruction set: foreach_target.h includes this file again and again.
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_WANT_AVX3_DL
#include "shard/batch_kernels.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "shard/batch_kernels.cc"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "shard/batch_kernels.inc"

#if HWY_ONCE
#include <cstring>

#include "common/base/contracts.h"

namespace larimar::shard {

HWY_EXPORT(group_size);
HWY_EXPORT(dot_batch_floats);
HWY_EXPORT(dot_batch_pairs);
HWY_EXPORT(find_hit_places);

PackedQueries::PackedQueries(std::span<const float> queries, std::size_t width)
    : width_(width), group_(HWY_DYNAMIC_DISPATCH(group_size)()) {
  LARIMAR_EXPECT(width > 0 && queries.size() % width == 0);
  pack(reinterpret_cast<const std::uint32_t*>(queries.data()), queries.size() / width, width);
}

PackedQueries::PackedQueries(std::span<const std::int16_t> queries, std::size_t width)
    : width_(width), group_(HWY_DYNAMIC_DISPATCH(group_size)()) {
  LARIMAR_EXPECT(width > 0 && width % 2 == 0 && queries.size() % width == 0);
  pack(reinterpret_cast<const std::uint32_t*>(queries.data()), queries.size() / width, width / 2);
}

void PackedQueries::pack(const std::uint32_t* queries, std::size_t count, std::size_t units) {
  groups_ = (count + group_ - 1) / group_;
  units_.assign(groups_ * units * group_, 0);
  for (std::size_t q = 0; q < count; ++q) {
    std::uint32_t* column = units_.data() + q / group_ * units * group_ + q % group_;
    for (std::size_t i = 0; i < units; ++i) std::memcpy(column + i * group_, queries + q * units + i, sizeof *queries);
  }
}

void dot_batch(std::span<const float> rows, const PackedQueries& queries, std::span<const std::byte> next,
               std::span<float> scores) {
  const std::size_t count = rows.size() / queries.width();
  LARIMAR_EXPECT(rows.size() % queries.width() == 0 && scores.size() == count * queries.padded());
  HWY_DYNAMIC_DISPATCH(dot_batch_floats)
  (rows.data(), count, queries.width(), queries.units(), queries.groups(), next, scores.data());
}

void dot_batch(std::span<const std::int16_t> rows, const PackedQueries& queries, std::span<const float> scales,
               std::span<const float> factors, std::span<const std::byte> next, std::span<float> scores) {
  LARIMAR_EXPECT(rows.size() == scales.size() * queries.width() && scores.size() == scales.size() * queries.padded());
  LARIMAR_EXPECT(factors.size() == queries.padded());
  HWY_DYNAMIC_DISPATCH(dot_batch_pairs)
  (rows.data(), scales.size(), queries.width(), queries.units(), queries.groups(), scales.data(), factors.data(), next,
   scores.data());
}

std::size_t find_hits(std::span<const float> scores, std::span<const float> bounds, std::span<const float> norms,
                      std::span<const float> thresholds, std::span<Hit> found) {
  LARIMAR_EXPECT(scores.size() == bounds.size() * norms.size() && thresholds.size() == norms.size());
  LARIMAR_EXPECT(found.size() >= scores.size() && norms.size() % HWY_DYNAMIC_DISPATCH(group_size)() == 0);
  return HWY_DYNAMIC_DISPATCH(find_hit_places)(scores.data(), bounds.data(), bounds.size(), norms.data(),
                                               thresholds.data(), norms.size(), found.data());
}

}  // namespace larimar::shard
#endif  // HWY_ONCE
