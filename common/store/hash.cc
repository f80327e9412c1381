#include "common/store/hash.h"

#include <xxhash.h>

#include <array>
#include <cstdio>

namespace larimar::store {

struct Hasher128::State {
  XXH3_state_t* raw = XXH3_createState();
  ~State() { XXH3_freeState(raw); }
};

std::string Hash128::text() const {
  std::array<char, 33> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return digits.data();
}

std::uint64_t hash64(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

Hash128 hash128(std::span<const std::byte> bytes) {
  const XXH128_hash_t value = XXH3_128bits(bytes.data(), bytes.size());
  return {.high = value.high64, .low = value.low64};
}

Hasher128::Hasher128() : state_(std::make_unique<State>()) {
  if (state_->raw == nullptr) throw std::bad_alloc();
  XXH3_128bits_reset(state_->raw);
}
Hasher128::Hasher128(Hasher128&&) noexcept = default;
Hasher128& Hasher128::operator=(Hasher128&&) noexcept = default;
Hasher128::~Hasher128() = default;

void Hasher128::add(std::span<const std::byte> bytes) { XXH3_128bits_update(state_->raw, bytes.data(), bytes.size()); }

Hash128 Hasher128::value() const {
  const XXH128_hash_t value = XXH3_128bits_digest(state_->raw);
  return {.high = value.high64, .low = value.low64};
}

}  // namespace larimar::store
