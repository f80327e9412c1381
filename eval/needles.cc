#include "eval/needles.h"

#include <charconv>

#include "common/base/error.h"
#include "eval/random.h"

namespace larimar::eval {
namespace {

constexpr int kMostDigits = 18;

std::string draw_number(Random& random, int digits) {
  std::string number(1, static_cast<char>('1' + random.below(9)));
  while (number.size() < static_cast<std::size_t>(digits)) number.push_back(static_cast<char>('0' + random.below(10)));
  return number;
}

std::string draw_uuid(Random& random) {
  constexpr std::string_view hex = "0123456789abcdef";
  // y is one of 8, 9, a, b: the variant of RFC 4122.
  std::string uuid = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  for (char& character : uuid) {
    if (character == 'x') character = hex[random.below(16)];
    if (character == 'y') character = hex[8 + random.below(4)];
  }
  return uuid;
}

Needle passkey(const std::string& key) {
  Needle needle;
  needle.prefix = "The pass key is";
  needle.prefix_answer = key;
  needle.question = "What is the pass key?";
  needle.answer = key;
  return needle;
}

Needle san_francisco() {
  Needle needle;
  needle.prefix = "The best thing to do in San Francisco is";
  needle.prefix_answer = "eat a sandwich and sit in Dolores Park on a sunny day";
  needle.question = "What is the best thing to do in San Francisco?";
  needle.answer = needle.prefix_answer;
  return needle;
}

}  // namespace

std::string NeedleKind::label() const { return name == kPasskey ? name + "_" + std::to_string(digits) : name; }

NeedleKind parse_needle_kind(std::string_view text) {
  if (text == kUuid || text == kSanFrancisco) return {std::string(text), 0};
  int digits = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), digits);
  if (failure == std::errc{} && end == text.data() + text.size() && digits >= 1 && digits <= kMostDigits) {
    return {std::string(kPasskey), digits};
  }
  throw base::UsageError("needle kind \"" + std::string(text) + "\" is none of 1 to " + std::to_string(kMostDigits) +
                         " (digits of a passkey), uuid and san_francisco");
}

Needle draw_needle(const NeedleKind& kind, std::uint64_t seed) {
  Random random(seed);
  Needle needle;
  if (kind.name == kSanFrancisco) {
    needle = san_francisco();
  } else {
    needle = passkey(kind.name == kUuid ? draw_uuid(random) : draw_number(random, kind.digits));
  }
  needle.id = kind.label();
  needle.text = needle.prefix + " " + needle.prefix_answer + ".";
  return needle;
}

}  // namespace larimar::eval
