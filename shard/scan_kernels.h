#pragma once
// The inner loops of a scan over compressed keys, one version for each instruction set, chosen at run time (Highway).
// They compute scores that are near to the exact ones; what they can be off by stands beside each row (compressed_rows.h).
// Rows are padded with zeros to a multiple of kScanPadding components, so that no loop has a tail.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace larimar::shard {

inline constexpr std::size_t kScanPadding = 64;
[[nodiscard]] constexpr std::size_t padded_width(std::size_t width) {
  return (width + kScanPadding - 1) / kScanPadding * kScanPadding;
}

/// scores[r] = <query, row r> in float.
/// Shapes  rows [scores.size(), width] of bf16 (the upper halves of floats); query [width] with the even components first,
///         then the odd ones (split_even_odd), so that one load of a row serves both without a permutation.
/// Cost    one pass over the rows in the order of memory. Bound by memory for one query.
void dot_bf16(std::span<const std::uint16_t> rows, std::span<const float> query, std::span<float> scores);

/// scores[r] = factor * scales[r] * <query, row r>; the sum of products is exact, so all instruction sets give the same bits.
/// Shapes  rows [scores.size(), width], query [width], scales [scores.size()].
/// Units   width * 127 * max |query| < 2^31: a precondition.
void dot_int8(std::span<const std::int8_t> rows, std::span<const std::int16_t> query, std::span<const float> scales,
              float factor, std::span<float> scores);

/// Positions r, rising, with scores[r] + bounds[r] * norm >= threshold, into `found`. Returns how many.
/// Shapes  bounds as scores; found at least as long. No score may be NaN.
[[nodiscard]] std::size_t find_reaching(std::span<const float> scores, std::span<const float> bounds, float norm,
                                        float threshold, std::span<std::uint32_t> found);

/// Components as floats, and int8 ones as int16. Shapes  as many on both sides, a multiple of kScanPadding.
void widen_bf16(std::span<const std::uint16_t> rows, std::span<float> floats);
void widen_int8(std::span<const std::int8_t> rows, std::span<std::int16_t> wide);

/// Reads all of it once: what a scan of these bytes would cost if it computed nothing. Returns a sum that keeps it honest. Which
/// way of fetching is faster differs between machines.
enum class Fetch { kPlain, kAhead };
[[nodiscard]] std::uint64_t read_bytes(std::span<const std::byte> bytes, Fetch fetch);

/// Names of the instruction sets that this program has loops for and this processor can run, the best first.
[[nodiscard]] std::vector<std::string> scan_targets();
/// All that are compiled in, whether they run here or not.
[[nodiscard]] std::vector<std::string> compiled_scan_targets();
/// Only this one from now on; empty: the best again. For tests; not thread-safe.
void use_scan_target(const std::string& name);

}  // namespace larimar::shard
