#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/text/file_tokenizer.h"

namespace larimar::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Json = nlohmann::json;

/// A whole tokenizer.json with sixteen pieces.
Json small_file() {
  return Json::parse(R"({
    "added_tokens": [{"id": 0, "content": "[UNK]", "special": true, "normalized": false},
                     {"id": 1, "content": "[SEP]", "special": true, "normalized": false}],
    "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 8,
              "vocab": {"[UNK]": 0, "[SEP]": 1, "river": 2, "##s": 3, "##bed": 4, "r": 5, "##i": 6, ".": 7, "cafe": 8, "京": 9,
                        "##bedrock": 10, "i": 11, "#": 12, "[": 13, "]": 14, "sep": 15}}})");
}

std::vector<TokenId> encode(const std::string& text, const Json& file = small_file()) {
  return make_tokenizer(file, "small.json")->encode(text);
}

TEST(WordPiece, TakesTheLongestPieceFromTheLeft) {
  EXPECT_THAT(encode("river rivers riverbed ri"), ElementsAre(2, 2, 3, 2, 4, 5, 6));
}

TEST(WordPiece, AWordThatCannotBeCutIsOneUnknown) {
  EXPECT_THAT(encode("riverx river"), ElementsAre(0, 2));
  EXPECT_THAT(encode("xriver"), ElementsAre(0));
}

TEST(WordPiece, TheLimitOfAWordCountsCodePoints) {
  EXPECT_THAT(encode("riverbed"), ElementsAre(2, 4));
  EXPECT_THAT(encode("riverbeds"), ElementsAre(0));
  EXPECT_THAT(encode("r\u00eeiiiiii"), ElementsAre(5, 6, 6, 6, 6, 6, 6, 6));
}

TEST(WordPiece, NormalisesCaseAccentsBlanksAndControls) {
  EXPECT_THAT(encode("CAFÉ"), ElementsAre(8));
  EXPECT_THAT(encode("cafe\u0301"), ElementsAre(8));
  EXPECT_THAT(encode("ri\u200bver\u00a0\n\tRIVER"), ElementsAre(2, 2));
  EXPECT_THAT(encode(std::string("ri\0ver", 6)), ElementsAre(2));
}

TEST(WordPiece, CutsAroundPunctuationAndIdeographs) {
  EXPECT_THAT(encode("river.river京river"), ElementsAre(2, 7, 2, 9, 2));
  EXPECT_THAT(encode("##s"), ElementsAre(12, 12, 0));
}

TEST(WordPiece, AddedTokensAreTakenFromTheRawText) {
  EXPECT_THAT(encode("river[SEP]s"), ElementsAre(2, 1, 0));
  EXPECT_THAT(encode("[sep]"), ElementsAre(13, 15, 14));
}

TEST(WordPiece, EmptyTextAndBytesThatAreNotUtf8) {
  EXPECT_THAT(encode(""), IsEmpty());
  EXPECT_THAT(encode(" \n"), IsEmpty());
  EXPECT_THAT(encode("ri\xffver \xe4\xba"), ElementsAre(2));
}

TEST(WordPiece, OptionsOfTheFileAreObeyed) {
  Json file = small_file();
  file["normalizer"]["strip_accents"] = false;
  EXPECT_THAT(encode("CAFÉ", file), ElementsAre(0));
  file["normalizer"]["lowercase"] = false;
  file["normalizer"]["strip_accents"] = true;
  EXPECT_THAT(encode("café RIVER", file), ElementsAre(8, 0));
  file["normalizer"]["handle_chinese_chars"] = false;
  EXPECT_THAT(encode("river京", file), ElementsAre(0));
}

TEST(WordPiece, DecodesPieces) {
  const auto tokenizer = make_tokenizer(small_file(), "small.json");
  const std::vector<TokenId> ids{1, 2, 4, 3, 7, 1, 2};
  EXPECT_EQ(tokenizer->decode(ids), "riverbeds. river");
  EXPECT_EQ(tokenizer->size(), 16);
  EXPECT_EQ(tokenizer->id_of("##bed"), 4);
  EXPECT_THROW(static_cast<void>(tokenizer->id_of("sea")), base::FormatError);
  EXPECT_EQ(tokenizer->decode(std::vector<TokenId>{16, 2, -1}), "river");
}

TEST(WordPiece, BadFilesAreRefusedWithTheField) {
  const auto refusal = [](const std::string& pointer, const Json& value) -> std::string {
    Json file = small_file();
    file[Json::json_pointer(pointer)] = value;
    try {
      static_cast<void>(make_tokenizer(file, "small.json"));
    } catch (const base::FormatError& error) {
      return error.what();
    }
    return {};
  };
  EXPECT_THAT(refusal("/model/type", "Unigram"), HasSubstr("\"Unigram\" is not known; known are BPE and WordPiece"));
  EXPECT_THAT(refusal("/model", 7), HasSubstr("model is not an object"));
  EXPECT_THAT(refusal("/normalizer/lowercase", "yes"), HasSubstr("normalizer.lowercase is neither true nor false"));
  EXPECT_THAT(refusal("/pre_tokenizer/type", "Whitespace"), HasSubstr("BertPreTokenizer"));
  EXPECT_THAT(refusal("/decoder/type", "CTC"), HasSubstr("decoder has the type \"CTC\""));
  EXPECT_THAT(refusal("/post_processor", {{"type", "Unknown"}}), HasSubstr("post_processor has the type \"Unknown\""));
  EXPECT_THAT(refusal("/model/vocab/river", 99), HasSubstr("model.vocab gives \"river\" an id outside 0 to 15"));
  EXPECT_THAT(refusal("/model/vocab/river", 3), HasSubstr("another piece has"));
  EXPECT_THAT(refusal("/model/vocab/river", -1), HasSubstr("\"river\""));
  EXPECT_THAT(refusal("/model/vocab", Json::array()), HasSubstr("model.vocab is not an object"));
  EXPECT_THAT(refusal("/model/unk_token", "<unk>"), HasSubstr("model.unk_token needs the piece \"<unk>\""));
  EXPECT_THAT(refusal("/model/continuing_subword_prefix", ""), HasSubstr("model.continuing_subword_prefix is empty"));
  EXPECT_THAT(refusal("/model/max_input_chars_per_word", nullptr), HasSubstr("model.max_input_chars_per_word is not"));
  EXPECT_THAT(refusal("/added_tokens/0/id", 5), HasSubstr("\"[UNK]\" the id 5 where 0 is its place"));
  EXPECT_THAT(refusal("/added_tokens/1/content", "[UNK]"), HasSubstr("added_tokens[1] repeats the token \"[UNK]\""));
  EXPECT_THAT(refusal("/added_tokens/0/content", ""), HasSubstr("added_tokens[0] has no text"));
  EXPECT_THAT(refusal("/added_tokens/0/lstrip", "yes"), HasSubstr("added_tokens[0].lstrip is neither"));
  EXPECT_THAT(refusal("/added_tokens", 3), HasSubstr("added_tokens is not an array"));
  EXPECT_EQ(refusal("/model/max_input_chars_per_word", 9), "");
}

}  // namespace
}  // namespace larimar::text
