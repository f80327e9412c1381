#include "common/linalg/fixed_dot.h"

#include <vector>

#include "common/base/contracts.h"

namespace larimar::linalg {
namespace {

#define LARIMAR_DOT_NAME baseline
#define LARIMAR_DOT_TARGET
#define LARIMAR_DOT_WIDTH 4
#include "common/linalg/fixed_dot.inc"

#if defined(__x86_64__)
#define LARIMAR_DOT_NAME avx2
#define LARIMAR_DOT_TARGET __attribute__((target("avx2")))
#define LARIMAR_DOT_WIDTH 8
#include "common/linalg/fixed_dot.inc"

#define LARIMAR_DOT_NAME avx512
#define LARIMAR_DOT_TARGET __attribute__((target("avx512f")))
#define LARIMAR_DOT_WIDTH 16
#include "common/linalg/fixed_dot.inc"
#endif

using Kernel = void (*)(const float*, std::size_t, const float*, std::size_t, std::size_t, float*);

Kernel kernel_of(Simd simd) {
#if defined(__x86_64__)
  if (simd == Simd::kAvx512) return avx512::dot_block;
  if (simd == Simd::kAvx2) return avx2::dot_block;
#endif
  return baseline::dot_block;
}

std::vector<Simd> detect_simd() {
  std::vector<Simd> found{Simd::kBaseline};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) found.push_back(Simd::kAvx2);
  if (__builtin_cpu_supports("avx512f")) found.push_back(Simd::kAvx512);
#endif
  return found;
}

}  // namespace

std::span<const Simd> available_simd() {
  static const std::vector<Simd> found = detect_simd();
  return found;
}

void dot_scores(const DotBlock& block, Simd simd) {
  LARIMAR_EXPECT(block.width > 0);
  LARIMAR_EXPECT(block.rows.size() % block.width == 0 && block.queries.size() % block.width == 0);
  const std::size_t row_count = block.rows.size() / block.width;
  const std::size_t query_count = block.queries.size() / block.width;
  LARIMAR_EXPECT(block.scores.size() == row_count * query_count);
  kernel_of(simd)(block.rows.data(), row_count, block.queries.data(), query_count, block.width, block.scores.data());
}

}  // namespace larimar::linalg
