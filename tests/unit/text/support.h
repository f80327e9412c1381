#pragma once
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/text/tokenizer.h"

namespace larimar::text::test {

inline std::filesystem::path source_dir() {
  const char* value = std::getenv("LARIMAR_SOURCE_DIR");
  return value == nullptr ? "." : value;
}

inline std::filesystem::path tokenizer_file() { return source_dir() / "models/larimar-compact/tokenizer.json"; }

/// The tokenizer that ships, loaded once.
inline const Tokenizer& compact_tokenizer() {
  static const std::unique_ptr<const Tokenizer> tokenizer = load_tokenizer(tokenizer_file());
  return *tokenizer;
}

template <class T>
const T& pick(const std::vector<T>& values, base::Random& random) {
  return values[random.below(values.size())];
}

inline std::string random_bytes(std::size_t size, base::Random& random) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.below(256));
  return bytes;
}

/// Valid UTF-8 with everything that cutting could stumble over.
inline std::string random_text(std::size_t parts, base::Random& random) {
  static const std::vector<std::string> kParts{"the",
                                               "river",
                                               "Dr.",
                                               "No. 5",
                                               "e.g.",
                                               "Stone",
                                               "don't",
                                               "1234567",
                                               "3.14",
                                               "a_long_identifier_42",
                                               ".",
                                               "!",
                                               "?!",
                                               "...",
                                               ",",
                                               ";",
                                               "(",
                                               ")",
                                               "\"",
                                               "'",
                                               "東京タワー",
                                               "é",
                                               "😀",
                                               "Ωμέγα",
                                               "x",
                                               "A.",
                                               "https://example.org/a?b=c",
                                               "-----",
                                               "\u00a0",
                                               "。"};
  static const std::vector<std::string> kBlanks{" ", " ", " ", " ", "", "  ", "\n", "\n\n", "\t", "\r\n", "    "};
  std::string text;
  for (std::size_t i = 0; i < parts; ++i) text += pick(kParts, random) + pick(kBlanks, random);
  return text;
}

}  // namespace larimar::text::test
