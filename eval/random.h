#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace larimar::eval {

/// Pseudo-random numbers that are the same on every platform and library: xoshiro256**, its state filled by SplitMix64.
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021). Not shared between threads.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  /// 64 random bits.
  std::uint64_t next();
  /// Uniform in 0 .. bound - 1, without bias. Needs bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Standard normal. Source: Box and Muller, "A note on the generation of random normal deviates" (1958).
  double normal();

 private:
  std::array<std::uint64_t, 4> state_;
};

/// FNV-1a of the text, 64 bits: turns the name of a cell into a seed, and a configuration into a fingerprint.
[[nodiscard]] std::uint64_t hash_text(std::string_view text);

}  // namespace larimar::eval
