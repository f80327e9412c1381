// Compiled once for each instruction set: foreach_target.h includes this file again and again.
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_WANT_AVX3_DL
#include "shard/hits.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "shard/hits.cc"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "shard/hits.inc"

#if HWY_ONCE
#include "common/base/contracts.h"

namespace larimar::shard {

HWY_EXPORT(find_hit_places);

std::size_t find_hits(std::span<const float> scores, std::span<const float> bounds, std::span<const float> norms,
                      std::span<const float> thresholds, std::span<Hit> found) {
  LARIMAR_EXPECT(scores.size() == bounds.size() * norms.size() && thresholds.size() == norms.size());
  LARIMAR_EXPECT(found.size() >= scores.size());
  return HWY_DYNAMIC_DISPATCH(find_hit_places)(scores.data(), bounds.data(), bounds.size(), norms.data(),
                                               thresholds.data(), norms.size(), found.data());
}

}  // namespace larimar::shard
#endif  // HWY_ONCE
