#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace larimar::store {

struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend constexpr auto operator<=>(const Hash128&, const Hash128&) = default;
  /// 32 hexadecimal digits.
  [[nodiscard]] std::string text() const;
};

/// XXH3 of bytes: notices accidents, not forgery.
[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> bytes);
[[nodiscard]] Hash128 hash128(std::span<const std::byte> bytes);

/// hash128() of bytes that come piece by piece. Owns its state; movable; not thread-safe.
class Hasher128 {
 public:
  Hasher128();
  Hasher128(Hasher128&&) noexcept;
  Hasher128& operator=(Hasher128&&) noexcept;
  ~Hasher128();
  void add(std::span<const std::byte> bytes);
  [[nodiscard]] Hash128 value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace larimar::store
