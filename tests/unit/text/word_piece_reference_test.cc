// Every id must be the one that the reference library gives; made by tools/make_minilm_golden.py.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "common/text/file_tokenizer.h"

namespace larimar::text {
namespace {

std::filesystem::path from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "." : value;
}

std::filesystem::path data(const std::string& name) {
  return from_environment("LARIMAR_SOURCE_DIR") / "tests/data" / name;
}

class WordPieceReference : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto path = from_environment("LARIMAR_DEPS") / "minilm/tokenizer.json";
    if (!std::filesystem::exists(path)) {
      std::puts("LARIMAR SKIPPED: the MiniLM folder is not installed; launch/install.sh fetches it");
      GTEST_SKIP();
    }
    tokenizer_ = make_tokenizer(nlohmann::json::parse(base::read_file(path)), path);
  }
  std::unique_ptr<const Tokenizer> tokenizer_;
};

TEST_F(WordPieceReference, IdsAndDecodedTextsAreEqualForAllSentences) {
  std::istringstream lines(base::read_file(data("minilm_sentences.jsonl")));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const auto expected = nlohmann::json::parse(line);
    const auto ids = tokenizer_->encode(expected["text"].get<std::string>());
    EXPECT_EQ(ids, expected["ids"].get<std::vector<TokenId>>()) << "line " << count + 1 << ": " << line;
    EXPECT_EQ(tokenizer_->decode(ids), expected["decoded"].get<std::string>()) << "line " << count + 1;
  }
  EXPECT_EQ(count, 1000);
}

void append_utf8(std::uint32_t c, std::string& text) {
  const auto add = [&text](std::uint32_t value) { text.push_back(static_cast<char>(value)); };
  const auto tail = [&](std::uint32_t shift) { add(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) add(c);
  if (c >= 0x80 && c < 0x800) add(0xC0 | (c >> 6));
  if (c >= 0x800 && c < 0x10000) add(0xE0 | (c >> 12));
  if (c >= 0x10000) add(0xF0 | (c >> 18));
  if (c >= 0x10000) tail(12);
  if (c >= 0x800) tail(6);
  if (c >= 0x80) tail(0);
}

TEST_F(WordPieceReference, EveryCodePointIsTreatedAlike) {
  const auto expected = nlohmann::json::parse(base::read_file(data("minilm_code_points.json")));
  const auto block = expected["block"].get<std::uint32_t>();
  ASSERT_EQ(expected["hashes"].size() * block, 0x110000U);
  for (std::uint32_t first = 0; first < 0x110000; first += block) {
    std::uint64_t hash = 0xCBF29CE484222325U;  // FNV-1a over ids, 0xFFFF after each text
    const auto mix = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x100000001B3U; };
    for (std::uint32_t c = first; c < first + block; ++c) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      std::string text(1, 'a');
      append_utf8(c, text);
      text.push_back('b');
      for (const TokenId id : tokenizer_->encode(text)) mix(static_cast<std::uint64_t>(id));
      mix(0xFFFF);
    }
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(hash));
    EXPECT_EQ(std::string(digits.data()), expected["hashes"][first / block].get<std::string>())
        << "code points from " << first;
  }
}

}  // namespace
}  // namespace larimar::text
