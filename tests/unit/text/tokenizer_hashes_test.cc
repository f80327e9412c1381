// Ids over whole files and 10,000 random strings, by hashes of what the reference library gives; made by
// tools/make_tokenizer_golden.py. The files are not part of the repository: LARIMAR_SHARED_DATA names the folder that holds valid/.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "common/text/text_stream.h"
#include "common/text/tokenizer.h"
#include "common/text/unicode.h"
#include "tests/unit/text/support.h"

namespace larimar::text {
namespace {

using Json = nlohmann::json;

/// The generator of the script: the same numbers for the same seed.
class Counted {
 public:
  Counted(std::uint64_t seed, std::vector<std::array<std::uint64_t, 2>> ranges)
      : state_(seed), ranges_(std::move(ranges)) {}
  std::string text() {
    std::string text;
    for (std::uint64_t left = 1 + below(24); left > 0; --left) {
      const auto& [first, last] = ranges_[below(ranges_.size())];
      append_utf8(static_cast<std::int32_t>(first + below(last - first + 1)), text);
    }
    return text;
  }

 private:
  std::uint64_t below(std::uint64_t end) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return (state_ >> 33U) % end;
  }
  std::uint64_t state_;
  std::vector<std::array<std::uint64_t, 2>> ranges_;
};

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

std::filesystem::path environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

class TokenizerHashes : public ::testing::Test {
 protected:
  /// Every tokenizer of the golden file, with what is expected of it.
  template <class Check>
  void for_each_tokenizer(const Check& check) {
    for (const auto& [name, hashes] : golden_["hashes"].items()) {
      auto path = test::source_dir() / "tests/data/tokenizers" / (name + ".json");
      if (name == "larimar-compact") path = test::tokenizer_file();
      if (name == "minilm") path = environment("LARIMAR_DEPS") / "minilm/tokenizer.json";
      if (name == "minilm" && !std::filesystem::exists(path)) continue;  // word_piece_reference says so, loudly
      check(name, *load_tokenizer(path), hashes);
    }
  }
  const Json golden_ =
      Json::parse(base::read_file(test::source_dir() / "tests/data/tokenizers/hashes.json"));
};

TEST_F(TokenizerHashes, OfRandomStrings) {
  for_each_tokenizer([&](const std::string& name, const Tokenizer& tokenizer, const Json& hashes) {
    Counted texts(golden_["seed"].get<std::uint64_t>(),
                  golden_["ranges"].get<std::vector<std::array<std::uint64_t, 2>>>());
    Hash hash(tokenizer);
    for (int left = golden_["strings"].get<int>(); left > 0; --left) hash.add(texts.text());
    EXPECT_EQ(hash.text(), hashes["random"].get<std::string>()) << name;
  });
}

TEST_F(TokenizerHashes, OfWholeFilesByParagraphs) {
  const auto folder = environment("LARIMAR_SHARED_DATA") / "valid";
  if (!std::filesystem::exists(folder)) {
    std::puts("LARIMAR SKIPPED: no validation texts; LARIMAR_SHARED_DATA names the folder that holds valid/");
    GTEST_SKIP();
  }
  for_each_tokenizer([&](const std::string& name, const Tokenizer& tokenizer, const Json& hashes) {
    for (const auto& [file, expected] : hashes.items()) {
      if (file == "random") continue;
      const std::string whole = TextStream(folder / file).read_rest();
      Hash hash(tokenizer);
      std::string_view left = whole;
      for (std::size_t end = left.find("\n\n"); end != std::string_view::npos; end = left.find("\n\n")) {
        hash.add(left.substr(0, end));
        left.remove_prefix(end + 2);
      }
      hash.add(left);
      EXPECT_EQ(hash.text(), expected.get<std::string>()) << name << " on " << file;
    }
  });
}

}  // namespace
}  // namespace larimar::text
