// Compiled once for each instruction set: foreach_target.h includes this file again and again.
#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_WANT_AVX3_DL
#include "shard/scan_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "shard/scan_kernels.cc"
#include <hwy/foreach_target.h>  // before highway.h
#include <hwy/highway.h>

#include "shard/scan_kernels.inc"

#if HWY_ONCE
#include <algorithm>

#include "common/base/contracts.h"
#include "common/base/error.h"

namespace larimar::shard {

HWY_EXPORT(dot_bf16_rows);
HWY_EXPORT(dot_int8_rows);
HWY_EXPORT(find_reaching_rows);
HWY_EXPORT(widen_bf16_values);
HWY_EXPORT(widen_int8_values);
HWY_EXPORT(sum_of_words);
HWY_EXPORT(sum_of_words_ahead);

void dot_bf16(std::span<const std::uint16_t> rows, std::span<const float> query, std::span<float> scores) {
  LARIMAR_EXPECT(query.size() % kScanPadding == 0 && rows.size() == query.size() * scores.size());
  HWY_DYNAMIC_DISPATCH(dot_bf16_rows)(rows.data(), scores.size(), query.size(), query.data(), scores.data());
}

void dot_int8(std::span<const std::int8_t> rows, std::span<const std::int16_t> query, std::span<const float> scales,
              float factor, std::span<float> scores) {
  LARIMAR_EXPECT(query.size() % kScanPadding == 0 && rows.size() == query.size() * scores.size());
  LARIMAR_EXPECT(scales.size() == scores.size());
  HWY_DYNAMIC_DISPATCH(dot_int8_rows)
  (rows.data(), scores.size(), query.size(), query.data(), scales.data(), factor, scores.data());
}

std::size_t find_reaching(std::span<const float> scores, std::span<const float> bounds, float norm, float threshold,
                          std::span<std::uint32_t> found) {
  LARIMAR_EXPECT(bounds.size() == scores.size() && found.size() >= scores.size());
  return HWY_DYNAMIC_DISPATCH(find_reaching_rows)(scores.data(), bounds.data(), scores.size(), norm, threshold,
                                                  found.data());
}

void widen_bf16(std::span<const std::uint16_t> rows, std::span<float> floats) {
  LARIMAR_EXPECT(rows.size() % kScanPadding == 0 && rows.size() == floats.size());
  HWY_DYNAMIC_DISPATCH(widen_bf16_values)(rows.data(), rows.size(), floats.data());
}

void widen_int8(std::span<const std::int8_t> rows, std::span<std::int16_t> wide) {
  LARIMAR_EXPECT(rows.size() % kScanPadding == 0 && rows.size() == wide.size());
  HWY_DYNAMIC_DISPATCH(widen_int8_values)(rows.data(), rows.size(), wide.data());
}

std::uint64_t read_bytes(std::span<const std::byte> bytes, Fetch fetch) {
  const auto* words = reinterpret_cast<const std::uint64_t*>(bytes.data());
  if (fetch == Fetch::kAhead) return HWY_DYNAMIC_DISPATCH(sum_of_words_ahead)(words, bytes.size() / 8);
  return HWY_DYNAMIC_DISPATCH(sum_of_words)(words, bytes.size() / 8);
}

namespace {

std::vector<std::pair<std::string, std::int64_t>> targets_of(std::int64_t mask) {
  std::vector<std::pair<std::string, std::int64_t>> targets;
  for (std::int64_t left = mask; left != 0; left &= left - 1) {  // the lowest bit is the best target
    const std::int64_t one = left & -left;
    targets.emplace_back(hwy::TargetName(one), one);
  }
  return targets;
}

std::vector<std::string> names_of(std::int64_t mask) {
  std::vector<std::string> names;
  for (const auto& [name, bit] : targets_of(mask)) names.push_back(name);
  return names;
}

}  // namespace

std::vector<std::string> scan_targets() { return names_of(hwy::SupportedTargets() & HWY_TARGETS); }
std::vector<std::string> compiled_scan_targets() { return names_of(HWY_TARGETS); }

void use_scan_target(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  if (name.empty()) return;
  const auto targets = targets_of(hwy::SupportedTargets() & HWY_TARGETS);
  const auto found = std::ranges::find(targets, name, [](const auto& target) { return target.first; });
  if (found == targets.end())
    throw base::ConfigError("this processor, or this program, has no instruction set " + name);
  hwy::SetSupportedTargetsForTest(found->second);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace larimar::shard
#endif  // HWY_ONCE
