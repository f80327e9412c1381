#pragma once
// Ids by hashes of what the reference library gives; made by tools/make_tokenizer_golden.py.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "common/base/file.h"
#include "common/text/tokenizer.h"
#include "tests/unit/text/support.h"

namespace larimar::text::test {

class Hash {
 public:
  explicit Hash(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  void add(std::string_view text) {
    for (const TokenId id : tokenizer_.encode_marked(text)) mix(static_cast<std::uint64_t>(id));
    mix(0xFFFF);
  }
  [[nodiscard]] std::string text() const {
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(value_));
    return digits.data();
  }

 private:
  void mix(std::uint64_t value) { value_ = (value_ ^ value) * 0x100000001B3U; }
  const Tokenizer& tokenizer_;
  std::uint64_t value_ = 0xCBF29CE484222325U;  // FNV-1a
};

inline std::filesystem::path environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class TokenizerHashes : public ::testing::Test {
 protected:
  /// Every tokenizer of the golden file, with what is expected of it.
  template <class Check>
  void for_each_tokenizer(const Check& check) {
    for (const auto& [name, hashes] : golden_["hashes"].items()) {
      auto path = source_dir() / "tests/data/tokenizers" / (name + ".json");
      if (name == "larimar-compact") path = tokenizer_file();
      if (name == "minilm") path = environment("LARIMAR_DEPS") / "minilm/tokenizer.json";
      if (name == "minilm" && !std::filesystem::exists(path)) continue;  // word_piece_reference says so, loudly
      check(name, *load_tokenizer(path), hashes);
    }
  }
  const nlohmann::json golden_ =
      nlohmann::json::parse(base::read_file(source_dir() / "tests/data/tokenizers/hashes.json"));
};

}  // namespace larimar::text::test
