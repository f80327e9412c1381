#pragma once
#include <limits>
#include <string>
#include <type_traits>
#include <utility>

#include "common/base/error.h"

namespace larimar::base {

/// Sizes that come from files or peers pass through these. All throw FormatError with `what` in the text.
template <class T>
[[nodiscard]] T checked_multiply(T a, T b, const std::string& what) {
  static_assert(std::is_unsigned_v<T>);
  T product{};
  if (__builtin_mul_overflow(a, b, &product))
    throw FormatError(what + " overflows: " + std::to_string(a) + " x " + std::to_string(b));
  return product;
}

template <class T>
[[nodiscard]] T checked_add(T a, T b, const std::string& what) {
  static_assert(std::is_unsigned_v<T>);
  T sum{};
  if (__builtin_add_overflow(a, b, &sum))
    throw FormatError(what + " overflows: " + std::to_string(a) + " + " + std::to_string(b));
  return sum;
}

template <class To, class From>
[[nodiscard]] To checked_cast(From value, const std::string& what) {
  if (!std::in_range<To>(value)) throw FormatError(what + " is out of range: " + std::to_string(value));
  return static_cast<To>(value);
}

}  // namespace larimar::base
