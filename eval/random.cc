#include "eval/random.h"

#include <bit>
#include <cmath>
#include <numbers>

#include "common/base/contracts.h"

namespace larimar::eval {

Random::Random(std::uint64_t seed) : state_{} {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
    word = mixed ^ (mixed >> 31);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  LARIMAR_EXPECT(bound > 0);
  // 2^64 mod bound values at the low end are drawn again: what is left divides evenly.
  const std::uint64_t refused = (0 - bound) % bound;
  for (;;) {
    const std::uint64_t value = next();
    if (value >= refused) return value % bound;
  }
}

double Random::normal() {
  // Uniform in (0, 1]: its logarithm is finite.
  const auto open_uniform = [this] { return (static_cast<double>(next() >> 11) + 1.0) * 0x1.0p-53; };
  const double radius = std::sqrt(-2.0 * std::log(open_uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * open_uniform());
}

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char character : text) {
    hash ^= static_cast<unsigned char>(character);
    hash *= 0x100000001b3U;
  }
  return hash;
}

}  // namespace larimar::eval
