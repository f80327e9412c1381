#include "launch/quantities.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <span>

#include "common/base/error.h"

namespace larimar::launch {
namespace {

struct Suffix {
  std::string_view text;
  double factor;
};
constexpr double kKibi = 1024;
constexpr Suffix kCounts[] = {{"", 1}, {"K", 1e3}, {"M", 1e6}, {"B", 1e9}, {"T", 1e12}};
constexpr Suffix kBytes[] = {{"", 1},
                             {"K", kKibi},
                             {"KiB", kKibi},
                             {"M", kKibi* kKibi},
                             {"MiB", kKibi* kKibi},
                             {"G", kKibi* kKibi* kKibi},
                             {"GiB", kKibi* kKibi* kKibi},
                             {"T", kKibi* kKibi* kKibi* kKibi},
                             {"TiB", kKibi* kKibi* kKibi* kKibi}};

struct Kind {
  std::span<const Suffix> suffixes;
  double most;
  const char* expected;
};
constexpr Kind kCount{kCounts, 1e15, "a number from 1 to 10^15, such as 1000, 300K, 2.5M, 1B or 1T"};
constexpr Kind kByteCount{kBytes, 0x1p60, "a number of bytes from 1 to 2^60, such as 512M, 4G or 1.5T"};

[[noreturn]] void refuse(std::string_view text, const std::string& option, const Kind& kind, const std::string& why) {
  throw base::UsageError(option + " is \"" + std::string(text) + "\": " + why + "; it takes " + kind.expected);
}

std::uint64_t parse(std::string_view text, const std::string& option, const Kind& kind) {
  double number = 0;
  // Fixed: an exponent, a sign, "inf" and "nan" are typing errors more often than meant.
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || text.empty() || text.front() < '0' || text.front() > '9')
    refuse(text, option, kind, "it does not begin with a number");
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const Suffix& known : kind.suffixes) {
    if (suffix != known.text) continue;
    const double value = number * known.factor;
    if (value > kind.most) refuse(text, option, kind, "that is too large");
    if (value < 1) refuse(text, option, kind, "that is less than 1");
    if (known.factor == 1 && value != std::floor(value)) refuse(text, option, kind, "that is no whole number");
    return static_cast<std::uint64_t>(std::llround(value));
  }
  refuse(text, option, kind, "the suffix \"" + std::string(suffix) + "\" is unknown");
}

struct Unit {
  double size;
  const char* name;
};

std::string in_units(double value, std::span<const Unit> rising) {
  const Unit* unit = &rising.front();
  for (const Unit& next : rising)
    if (value >= next.size) unit = &next;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.3g %s", value / unit->size, unit->name);
  return text.data();
}

}  // namespace

std::uint64_t parse_count(std::string_view text, const std::string& option) { return parse(text, option, kCount); }
std::uint64_t parse_bytes(std::string_view text, const std::string& option) { return parse(text, option, kByteCount); }

std::string bytes_text(double bytes) {
  constexpr Unit kUnits[] = {{1, "B"}, {0x1p10, "KiB"}, {0x1p20, "MiB"}, {0x1p30, "GiB"}, {0x1p40, "TiB"}};
  return in_units(bytes, kUnits);
}

std::string seconds_text(double seconds) {
  constexpr Unit kUnits[] = {{1e-6, "us"}, {1e-3, "ms"}, {1, "s"}, {60, "min"}, {3600, "h"}, {86400, "days"}};
  return in_units(seconds, kUnits);
}

}  // namespace larimar::launch
