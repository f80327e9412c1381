#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "eval/haystack.h"

namespace larimar::eval {

inline constexpr std::string_view kGeneratorPrefix = "generate:";
inline constexpr std::string_view kLiteratureHaystack = "generate:literature";
inline constexpr std::size_t kGeneratedFileBytes = 16 * 1024;

/// The five sentences that passkey tests since Mohtashami and Jaggi repeat as filler, after the scheme of that test, in words
/// of our own: what grass, sky and sun are like, and that one walks to and fro.
inline constexpr std::string_view kLiteratureFiller =
    "The grass has the colour green. The sky has the colour blue. The sun has the colour yellow. Now we set out. We go "
    "there and come back once more.";

/// A haystack without end, for machines without any text.
struct Generator {
  bool literature = false;  // the five sentences, again and again
  std::uint64_t seed = 1;   // else sentences drawn by it

  /// File `number` of the haystack: about kGeneratedFileBytes of paragraphs. Depends on the generator and the number alone.
  [[nodiscard]] std::string text_of(std::uint64_t number) const;
};

/// "generate:SEED" or "generate:literature"; nothing for a name that does not begin with "generate:".
/// Throws UsageError for another word behind it.
[[nodiscard]] std::optional<Generator> parse_generator(std::string_view haystack);

}  // namespace larimar::eval
