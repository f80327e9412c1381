#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace larimar::eval {

inline constexpr std::string_view kSanFrancisco = "san_francisco";
inline constexpr std::string_view kPasskey = "passkey";
inline constexpr std::string_view kUuid = "uuid";

/// One sentence to hide, how to ask for it, and what must come back.
struct Needle {
  std::string id;
  std::string text;           // the sentence
  std::string prefix;         // its beginning, up to just before the answer
  std::string prefix_answer;  // expected in the continuation of the prefix
  std::string question;
  std::string answer;  // expected in the answer to the question
};

/// What kind of needle a trial hides.
struct NeedleKind {
  std::string name;  // kPasskey, kUuid or kSanFrancisco
  int digits = 0;    // of a passkey

  /// "passkey_5", "uuid", "san_francisco": names cells and table rows.
  [[nodiscard]] std::string label() const;
};

/// "1" to "18" (digits of a passkey), "uuid" or "san_francisco". Throws UsageError for anything else.
[[nodiscard]] NeedleKind parse_needle_kind(std::string_view text);

/// The needle of a kind. Random parts (a number without leading zero, a version 4 UUID) depend on the seed alone.
[[nodiscard]] Needle draw_needle(const NeedleKind& kind, std::uint64_t seed);

}  // namespace larimar::eval
