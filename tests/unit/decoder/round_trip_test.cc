// The model that is shipped: text to code and back.
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/base/error.h"
#include "common/base/random.h"
#include "common/model/compact.h"
#include "common/model/runtime.h"
#include "decoder/compact_decoder.h"
#include "decoder/decoder_service.h"

namespace larimar::decoder {
namespace {

using linalg::Index;
using linalg::Matrix;

std::filesystem::path model_folder() {
  const char* source = std::getenv("LARIMAR_SOURCE_DIR");
  return std::filesystem::path(source != nullptr ? source : ".") / "models" / "larimar-compact";
}

/// Everyday sentences; every fifth holds a number of five digits.
std::vector<std::string> some_sentences(std::size_t count) {
  const std::vector<std::string> people{"The old miller", "My sister",     "A young doctor",
                                        "The gardener",   "Our neighbour", "The captain"};
  const std::vector<std::string> deeds{"walked to the market",
                                       "wrote a long letter",
                                       "waited at the bridge",
                                       "closed the shutters",
                                       "looked for the lost dog",
                                       "sold the brown horse",
                                       "counted the apples in the cellar"};
  const std::vector<std::string> times{"before the rain came", "on a cold morning", "late in the evening",
                                       "without saying a word"};
  base::Random random(17);
  const auto one_of = [&random](const std::vector<std::string>& list) { return list[random.below(list.size())]; };
  std::vector<std::string> sentences;
  while (sentences.size() < count) {
    const bool number = sentences.size() % 5 == 0;
    sentences.push_back(number ? "The number of the house by the river is " +
                                     std::to_string(10'000 + random.below(90'000)) + "."
                               : one_of(people) + " " + one_of(deeds) + " " + one_of(times) + ".");
  }
  return sentences;
}

class RoundTrip : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::is_regular_file(model_folder() / "model.safetensors"))
      GTEST_SKIP() << "LARIMAR SKIPPED: no trained model in " << model_folder();
    model::set_threads(1);
    tokenizer = text::load_tokenizer(model_folder() / "tokenizer.json");
    encoder = model::load_compact_encoder(model_folder());
    decoder = load_compact_decoder(model_folder(), "cpu");
  }

  Matrix encode(const std::vector<std::string>& texts) {
    std::vector<std::vector<text::TokenId>> tokens;
    for (const std::string& text : texts) tokens.push_back(tokenizer->encode(text));
    return encoder->encode(tokens);
  }

  std::unique_ptr<const text::Tokenizer> tokenizer;
  std::unique_ptr<model::CodeEncoder> encoder;
  std::unique_ptr<model::CodeDecoder> decoder;
};

TEST_F(RoundTrip, TextsComeBackAsTheyWere) {
  const std::vector<std::string> sentences = some_sentences(50);
  DecoderService service(*decoder, *tokenizer);
  const std::vector<std::string> texts = service.decode(encode(sentences));
  int same = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    same += texts[i] == sentences[i] ? 1 : 0;
    if (texts[i] != sentences[i]) std::printf("was: %s\nis:  %s\n", sentences[i].c_str(), texts[i].c_str());
  }
  EXPECT_GE(same, 49);
}

TEST_F(RoundTrip, ACodeDecodesAloneAsItDoesAmongOthers) {
  const Matrix codes = encode(some_sentences(12));
  const auto together = decoder->decode(codes);
  ASSERT_EQ(together.size(), 12U);
  for (Index i = 0; i < codes.rows(); ++i)
    EXPECT_EQ(decoder->decode(codes.row(i)).front(), together[static_cast<std::size_t>(i)]);
}

TEST_F(RoundTrip, MoreCodesThanABatchAndNoneAtAll) {
  const Matrix code = encode(some_sentences(1));
  const auto many = decoder->decode(code.replicate(130, 1));
  ASSERT_EQ(many.size(), 130U);
  EXPECT_EQ(many.back(), many.front());
  EXPECT_TRUE(decoder->decode(Matrix(0, code.cols())).empty());
}

TEST_F(RoundTrip, AnyNumbersDecodeToSomethingOfBoundedLength) {
  for (const float scale : {0.0F, 1.0F, 100.0F}) {
    const auto texts = decoder->decode(Matrix::Constant(2, decoder->code_size(), scale));
    for (const auto& tokens : texts) EXPECT_LE(tokens.size(), encoder->max_tokens() + 1);
  }
}

TEST_F(RoundTrip, WhatCannotWorkIsRefused) {
  EXPECT_THROW(static_cast<void>(decoder->decode(Matrix::Ones(1, decoder->code_size() + 1))), base::ShapeError);
  EXPECT_THROW(static_cast<void>(load_compact_decoder(model_folder(), "abacus")), base::ConfigError);
  EXPECT_THROW(static_cast<void>(load_compact_decoder(model_folder() / "none", "cpu")), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::decoder
