#include "eval/model_quality.h"

#include <gmock/gmock.h>
#include <zstd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/text/segmenter.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using linalg::Index;
using linalg::Matrix;
using test::error_of;
using testing::HasSubstr;
using Tokens = std::vector<text::TokenId>;

constexpr std::size_t kMaxTokens = 63;

/// The code is the number of tokens and the tokens themselves: nothing is lost.
struct ListingEncoder : model::CodeEncoder {
  [[nodiscard]] Index code_size() const override { return kMaxTokens + 1; }
  [[nodiscard]] std::size_t max_tokens() const override { return kMaxTokens; }
  [[nodiscard]] Matrix encode(std::span<const Tokens> segments) override {
    EXPECT_LE(segments.size(), 7U) << "a batch larger than asked for";
    Matrix codes = Matrix::Zero(static_cast<Index>(segments.size()), code_size());
    for (std::size_t i = 0; i < segments.size(); ++i) {
      const auto row = static_cast<Index>(i);
      EXPECT_TRUE(!segments[i].empty() && segments[i].size() <= kMaxTokens);
      codes(row, 0) = static_cast<float>(segments[i].size());
      for (std::size_t k = 0; k < segments[i].size(); ++k)
        codes(row, static_cast<Index>(k + 1)) = static_cast<float>(segments[i][k]);
    }
    return codes;
  }
};

/// Reads the code back, then makes the errors that it is told to.
struct ListingDecoder : model::CodeDecoder {
  explicit ListingDecoder(std::function<void(Tokens&)> errors = {}, Index size = kMaxTokens + 1)
      : errors_(std::move(errors)), size_(size) {}
  [[nodiscard]] Index code_size() const override { return size_; }
  [[nodiscard]] std::vector<Tokens> decode(linalg::ConstMatrixRef codes) override {
    std::vector<Tokens> segments;
    for (Index row = 0; row < codes.rows(); ++row) {
      const Index count = std::clamp<Index>(std::lround(codes(row, 0)), 0, kMaxTokens);
      Tokens tokens;
      for (Index k = 1; k <= count; ++k) tokens.push_back(static_cast<text::TokenId>(std::lround(codes(row, k))));
      if (errors_ && !tokens.empty()) errors_(tokens);
      segments.push_back(std::move(tokens));
    }
    return segments;
  }
  std::function<void(Tokens&)> errors_;
  Index size_;
};

const text::Tokenizer& tokenizer() {
  static const auto tokenizer = [] {
    const char* source = std::getenv("LARIMAR_SOURCE_DIR");
    return text::load_tokenizer(fs::path(source == nullptr ? "." : source) / "models/larimar-compact/tokenizer.json");
  }();
  return *tokenizer;
}

/// The ids of another tokenizer, each one higher.
class HigherIds final : public text::Tokenizer {
 public:
  std::vector<text::TokenId> encode(std::string_view text) const override {
    auto ids = tokenizer().encode(text);
    for (auto& id : ids) ++id;
    return ids;
  }
  std::string decode(std::span<const text::TokenId> ids) const override {
    std::vector<text::TokenId> lower(ids.begin(), ids.end());
    for (auto& id : lower) --id;
    return tokenizer().decode(lower);
  }
  text::TokenId size() const override { return tokenizer().size() + 1; }
  text::TokenId id_of(std::string_view piece) const override { return tokenizer().id_of(piece) + 1; }
};

/// Sentences of 6 to 58 words, one a line.
std::string sentences() {
  std::string text;
  for (int i = 0; i < 90; ++i) {
    text += "The";
    for (int word = 0; word < 4 + i * 11 % 53; ++word)
      text += (word + i) % 3 == 0 ? " river" : (word + i) % 3 == 1 ? " of" : " stone";
    text += " ended.\n";
  }
  return text;
}

class ModelQuality : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("valid/a.txt", sentences());
    for (const auto& segment : text::cut_segments(sentences(), tokenizer(), {.max_tokens = kMaxTokens}))
      lengths_.push_back(segment.tokens.size());
  }
  nlohmann::ordered_json measure(std::function<void(Tokens&)> errors = {}, const text::Tokenizer* words = nullptr) {
    ListingEncoder encoder;
    ListingDecoder decoder(std::move(errors));
    return measure_model(folder_.path() / "valid", {encoder, decoder, tokenizer(), words}, options_,
                         [this](const std::string& line) { lines_.push_back(line); });
  }
  [[nodiscard]] std::size_t segments_of(std::size_t from, std::size_t to) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(lengths_, [&](std::size_t length) { return from <= length && length <= to; }));
  }
  [[nodiscard]] std::size_t tokens() const {
    std::size_t sum = 0;
    for (const std::size_t length : lengths_) sum += length;
    return sum;
  }
  static std::size_t hits(const nlohmann::ordered_json& rate) { return rate["hits"].get<std::size_t>(); }
  static std::size_t n(const nlohmann::ordered_json& rate) { return rate["n"].get<std::size_t>(); }

  test::TemporaryFolder folder_;
  QualityOptions options_{.max_disturbed = 0, .planted = 40, .seed = 1, .batch = 7};
  std::vector<std::size_t> lengths_;
  std::vector<std::string> lines_;
};

TEST_F(ModelQuality, APairThatLosesNothingHasEverythingRight) {
  const auto result = measure();
  EXPECT_EQ(result["segments"], lengths_.size());
  EXPECT_EQ(result["tokens"], tokens());
  EXPECT_EQ(n(result["token_accuracy"]), tokens() + lengths_.size());
  EXPECT_EQ(hits(result["token_accuracy"]), tokens() + lengths_.size());
  const auto& exact = result["segments_exact"];
  EXPECT_EQ(exact["all"]["value"], 1.0);
  EXPECT_LT(exact["all"]["low"].get<double>(), 1.0);
  EXPECT_EQ(n(exact["to_16"]), segments_of(1, 16));
  EXPECT_EQ(n(exact["to_32"]), segments_of(17, 32));
  EXPECT_EQ(n(exact["to_48"]), segments_of(33, 48));
  EXPECT_EQ(n(exact["to_64"]), segments_of(49, 64));
  for (const char* name : {"to_16", "to_32", "to_48", "to_64"}) {
    EXPECT_GT(n(exact[name]), 0U) << "the test's text lacks this length";
    EXPECT_EQ(exact[name]["value"], 1.0);
  }
  EXPECT_EQ(n(result["continuation_exact"]), lengths_.size());
  EXPECT_EQ(result["continuation_exact"]["value"], 1.0);
  EXPECT_EQ(result["planted"].size(), 8U);
  for (const auto& [name, rate] : result["planted"].items()) {
    EXPECT_EQ(n(rate), 40U) << name;
    EXPECT_EQ(hits(rate), 40U) << name;
  }
  EXPECT_GT(lines_.size(), 20U);
}

TEST_F(ModelQuality, ADecoderWithWordsOfItsOwnIsComparedAsText) {
  const HigherIds words;
  const auto higher = [](Tokens& tokens) {
    for (auto& token : tokens) ++token;
  };
  const auto result = measure(higher, &words);
  EXPECT_EQ(result["token_accuracy"]["value"], 1.0);
  EXPECT_EQ(result["segments_exact"]["all"]["value"], 1.0);
  EXPECT_EQ(result["planted"]["uuid"]["value"], 1.0);
  EXPECT_LT(measure(higher)["token_accuracy"]["value"], 0.2) << "as if the ids were of the same tokenizer";
}

TEST_F(ModelQuality, AWrongLastTokenOfLongSegmentsIsCountedWhereItBelongs) {
  const auto result = measure([](Tokens& tokens) {
    if (tokens.size() > 32) tokens.back() = 5;
  });
  const std::size_t wrong = segments_of(33, 64), all = lengths_.size();
  EXPECT_EQ(hits(result["token_accuracy"]), tokens() + all - wrong);
  EXPECT_EQ(hits(result["segments_exact"]["all"]), all - wrong);
  EXPECT_EQ(result["segments_exact"]["to_32"]["value"], 1.0);
  EXPECT_EQ(hits(result["segments_exact"]["to_48"]), 0U);
  EXPECT_EQ(hits(result["continuation_exact"]), all - wrong);
}

TEST_F(ModelQuality, AWrongFirstTokenSparesTheContinuation) {
  const auto result = measure([](Tokens& tokens) { tokens.front() = 5; });
  EXPECT_EQ(hits(result["token_accuracy"]), tokens());
  EXPECT_EQ(hits(result["segments_exact"]["all"]), 0U);
  EXPECT_EQ(result["continuation_exact"]["value"], 1.0);
}

TEST_F(ModelQuality, AnEndTooEarlyOrTooLateIsWrong) {
  const auto early = measure([](Tokens& tokens) { tokens.pop_back(); });
  EXPECT_EQ(hits(early["token_accuracy"]), tokens() - lengths_.size());
  EXPECT_EQ(hits(early["segments_exact"]["all"]), 0U);
  EXPECT_EQ(hits(early["continuation_exact"]), 0U);
  const auto late = measure([](Tokens& tokens) { tokens.push_back(5); });
  EXPECT_EQ(hits(late["token_accuracy"]), tokens());
  EXPECT_EQ(hits(late["segments_exact"]["all"]), 0U);
  EXPECT_EQ(hits(late["continuation_exact"]), 0U);
  const auto nothing = measure([](Tokens& tokens) { tokens.clear(); });
  EXPECT_EQ(hits(nothing["token_accuracy"]), 0U);
  EXPECT_EQ(hits(nothing["continuation_exact"]), 0U);
}

TEST_F(ModelQuality, LostDigitsCostThePlantedStringsThatHaveSome) {
  const auto one = tokenizer().encode("1").front();
  const auto result = measure([&](Tokens& tokens) {
    for (auto& token : tokens) {
      const std::string piece = tokenizer().decode(Tokens{token});
      if (piece.size() == 1 && piece[0] >= '0' && piece[0] <= '9') token = one;
    }
  });
  EXPECT_EQ(result["segments_exact"]["all"]["value"], 1.0) << "the text itself has no digits";
  EXPECT_LT(hits(result["planted"]["digits_3"]), 4U);  // "111" comes once in 900
  for (const char* name : {"digits_7", "digits_16", "uuid"}) EXPECT_EQ(hits(result["planted"][name]), 0U) << name;
  EXPECT_GT(hits(result["planted"]["identifier"]), 0U) << "some have no digit";
  EXPECT_LT(hits(result["planted"]["identifier"]), 30U);
}

TEST_F(ModelQuality, PlantedStringsVaryAndStandInWholeSentences) {
  std::set<std::string> texts;
  std::size_t planted_at_once = 0;
  options_.planted = 20;
  bool all_planted = false;  // disturbed codes come after them
  (void)measure([&](Tokens& tokens) {
    all_planted = all_planted || (!lines_.empty() && lines_.back().starts_with("planted identifier"));
    if (all_planted) return;
    const std::string text = tokenizer().decode(tokens);
    if (text.find_first_of("0123456789") == std::string::npos) return;
    texts.insert(text);
    planted_at_once += text.find("river") != std::string::npos || text.find("stone") != std::string::npos ? 1U : 0U;
    EXPECT_EQ(text.find("  "), std::string::npos) << text;
    EXPECT_NE(text.front(), ' ');
  });
  EXPECT_GT(texts.size(), 7 * 20U - 3U);
  EXPECT_GT(planted_at_once, 100U);
}

TEST_F(ModelQuality, DisturbedCodesAreMeasuredApart) {
  const auto result = measure();
  const auto& disturbed = result["disturbed"];
  const auto value = [&](const char* name, const char* measure) {
    return disturbed[name][measure]["value"].get<double>();
  };
  EXPECT_EQ(disturbed.size(), 7U);
  for (const auto& [name, rates] : disturbed.items()) EXPECT_EQ(n(rates["segments_exact"]), lengths_.size()) << name;
  // This code stands no noise; ids below 2,048 survive in half precision.
  EXPECT_LT(value("noise_20_db", "token_accuracy"), 0.2);
  EXPECT_EQ(value("noise_5_db", "segments_exact"), 0.0);
  EXPECT_LT(value("superposition_10_percent", "segments_exact"), 0.2);
  EXPECT_LT(value("superposition_30_percent", "token_accuracy"), value("float16", "token_accuracy"));
  EXPECT_LT(value("int8", "token_accuracy"), value("float16", "token_accuracy"));
  EXPECT_GT(value("float16", "token_accuracy"), 0.5);
}

TEST_F(ModelQuality, LimitsSpreadOverTheTextAndSeedsRepeat) {
  options_.max_segments = 10;
  options_.max_disturbed = 4;
  options_.planted = 3;
  const auto result = measure();
  EXPECT_EQ(result["segments"], 10);
  EXPECT_EQ(n(result["disturbed"]["int8"]["segments_exact"]), 4U);
  EXPECT_EQ(n(result["planted"]["uuid"]), 3U);
  EXPECT_EQ(result, measure());
  options_.max_segments = 100000;
  EXPECT_EQ(measure()["segments"], lengths_.size());
}

TEST_F(ModelQuality, CompressedTextCountsToo) {
  const std::string text = "One more sentence stands in a compressed file.\n";
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), text.data(), text.size(), 3));
  folder_.write("valid/b.txt.zst", bytes);
  EXPECT_EQ(measure()["segments"], lengths_.size() + 1);
  folder_.write("valid/b.txt.zst", bytes.substr(0, bytes.size() - 2));
  EXPECT_THAT(error_of<base::FormatError>([&] { (void)measure(); }), HasSubstr("b.txt.zst"));
}

TEST_F(ModelQuality, WhatCannotBeMeasuredIsRefused) {
  ListingEncoder encoder;
  ListingDecoder other({}, 5), decoder;
  const auto run = [&](const char* folder, model::CodeDecoder& used) {
    (void)measure_model(folder_.path() / folder, {encoder, used, tokenizer()}, options_, [](const std::string&) {});
  };
  EXPECT_THAT(error_of<base::ConfigError>([&] { run("valid", other); }), HasSubstr("64 floats and the decoder's 5"));
  EXPECT_THAT(error_of<base::MissingInputError>([&] { run("absent", decoder); }), HasSubstr("absent"));
  folder_.write("blank/a.txt", " \n\n ");
  EXPECT_THAT(error_of<base::MissingInputError>([&] { run("blank", decoder); }), HasSubstr("holds no text"));
}

}  // namespace
}  // namespace larimar::eval
