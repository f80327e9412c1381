// What the sections of a tokenizer.json do, and which of their faults are refused. Equality with the reference library on
// whole files: tokenizer_golden_test.cc.
#include "common/text/file_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/text/byte_alphabet.h"
#include "common/text/stream_decoder.h"

namespace larimar::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;
using Ids = std::vector<TokenId>;

constexpr TokenId kByte = 3;  // <0x00>; the pieces behind the bytes start at 259

/// The form of Llama: <unk> <s> </s>, 256 bytes, then a few pieces.
Json small_file() {
  Json vocabulary{{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (int byte = 0; byte < 256; ++byte) vocabulary[fallback_name(static_cast<unsigned char>(byte))] = kByte + byte;
  TokenId id = 259;
  for (const char* piece : {"\u2581", "a", "b", "ab", "\u2581ab", "\u6771", "aa"}) vocabulary[piece] = id++;
  Json root = Json::parse(R"({
    "added_tokens": [{"id": 1, "content": "<s>", "special": true, "normalized": false},
                     {"id": 2, "content": "</s>", "special": true, "normalized": false}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                   {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
    "pre_tokenizer": null,
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                       "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
    "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
                {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
    "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
              "merges": [["a", "b"], ["\u2581", "ab"], ["a", "a"]]}})");
  root["model"]["vocab"] = vocabulary;
  return root;
}

std::unique_ptr<const Tokenizer> make(const Json& root = small_file()) { return make_tokenizer(root, "small.json"); }

/// A file with one place changed.
Json changed(const std::string& pointer, const std::string& value) {
  Json file = small_file();
  file[Json::json_pointer(pointer)] = Json::parse(value);
  return file;
}

TEST(ByteFallback, TakesBytesWhereThereIsNoPiece) {
  const auto tokenizer = make();
  EXPECT_THAT(tokenizer->encode("ab ab"), ElementsAre(263, 263));
  EXPECT_THAT(tokenizer->encode("\u6771\u4eac"), ElementsAre(259, 264, kByte + 0xE4, kByte + 0xBA, kByte + 0xAC));
  EXPECT_THAT(tokenizer->encode("\xff"), ElementsAre(259, kByte + 0xFF)) << "no text, but a byte";
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("ab \u4eac\n ab")), "ab \u4eac\n ab");
}

TEST(ByteFallback, ARunOfBytesIsTextOrElseEachByteIsReplaced) {
  const auto tokenizer = make();
  EXPECT_EQ(tokenizer->decode(Ids{kByte + 0xE4, kByte + 0xBA, kByte + 0xAC}), "\u4eac");
  EXPECT_EQ(tokenizer->decode(Ids{kByte + 'x', kByte + 0xE4, 260}), "\ufffd\ufffda");
  StreamDecoder stream(*tokenizer);
  EXPECT_EQ(stream.push(kByte + 'x'), "") << "held until the run ends";
  EXPECT_EQ(stream.push(260), "xa");
  EXPECT_EQ(stream.push(kByte + 'y'), "");
  EXPECT_EQ(stream.finish(), "y");
}

TEST(ByteFallback, UnknownTokensAreFusedIfTheFileSaysSo) {
  Json file = small_file();
  file["model"]["byte_fallback"] = false;
  EXPECT_THAT(make(file)->encode("axyb"), ElementsAre(259, 260, 0, 261));
  file["model"]["fuse_unk"] = false;
  EXPECT_THAT(make(file)->encode("axyb"), ElementsAre(259, 260, 0, 0, 261));
  file["model"]["unk_token"] = nullptr;
  EXPECT_THAT(make(file)->encode("axyb"), ElementsAre(263)) << "left out, so a and b are neighbours";
}

TEST(ByteFallback, LongTextWithoutWordsStaysFast) {
  const auto tokenizer = make();
  const auto seconds = [&](std::size_t size) {
    const std::string text(size, 'a');
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(tokenizer->encode(text).size(), 1 + size / 2);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  EXPECT_LT(seconds(300'000), 20.0) << "a quadratic way would take minutes";
}

TEST(AddedToken, OfATextIsOneIdOnlyWhereItIsMarked) {
  const auto tokenizer = make();
  EXPECT_THAT(tokenizer->encode_marked("<s>ab</s>"), ElementsAre(1, 263, 2));
  EXPECT_GT(tokenizer->encode("<s>").size(), 1U);
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("<s>")), "<s>");
  EXPECT_EQ(tokenizer->decode(Ids{1, 263, 2}), "ab");
  EXPECT_EQ(tokenizer->decode_marked(Ids{1, 263, 2}), "<s> ab</s>");
  EXPECT_THAT(tokenizer->with_specials({263}), ElementsAre(1, 263));
}

TEST(AddedToken, TakesBlanksAndAsksForWholeWordsAsItsOptionsSay) {
  const auto ids = [](const std::string& options, const std::string& text) {
    Json file = changed("/added_tokens/2", R"({"id": 266, "content": "ab", "normalized": false})");
    file["added_tokens"][2].update(Json::parse(options));
    file["model"]["vocab"].erase("ab");
    file["model"]["vocab"].erase("\u2581ab");
    file["model"]["vocab"]["\u6771"] = 262;
    file["model"]["vocab"]["aa"] = 263;
    file["model"]["merges"] = Json::array();
    file["added_tokens"][2]["id"] = 264;
    file["normalizer"] = nullptr;
    return make(file)->encode(text);
  };
  EXPECT_THAT(ids("{}", "b ab b"), ElementsAre(261, kByte + ' ', 264, kByte + ' ', 261));
  EXPECT_THAT(ids(R"({"lstrip": true})", "b ab b"), ElementsAre(261, 264, kByte + ' ', 261));
  EXPECT_THAT(ids(R"({"rstrip": true})", "b ab  b"), ElementsAre(261, kByte + ' ', 264, 261));
  EXPECT_THAT(ids(R"({"single_word": true})", "bab,ab"), ElementsAre(261, 260, 261, kByte + ',', 264));
}

TEST(AddedToken, OfIdsBehindTheVocabularyCount) {
  const Json file =
      changed("/added_tokens/2", R"({"id": 266, "content": "<pad>", "special": true, "normalized": false})");
  EXPECT_EQ(make(file)->size(), 267);
  EXPECT_EQ(make(file)->id_of("<pad>"), 266);
  EXPECT_EQ(make(file)->decode(Ids{266, 267, -1}), "");
  EXPECT_THROW((void)make(file)->id_of("<none>"), base::FormatError);
}

std::string fault(const Json& file) {
  try {
    (void)make(file);
  } catch (const base::FormatError& error) {
    return error.what();
  }
  return "no FormatError";
}

TEST(TokenizerFault, EverySectionIsNeeded) {
  for (const char* name : {"normalizer", "pre_tokenizer", "decoder", "model"}) {
    Json file = small_file();
    file.erase(name);
    EXPECT_THAT(fault(file), HasSubstr(std::string("small.json: the field \"") + name + "\" is missing"));
  }
}

struct Fault {
  const char *place, *value, *message;
};

TEST(TokenizerFault, IsNamedWithItsPlace) {
  const Fault faults[] = {
      {"/model/type", "\"Unigram\"", "\"Unigram\" is not known; known are BPE and WordPiece"},
      {"/normalizer", R"({"type": "Nmt"})", "normalizer has the type \"Nmt\""},
      {"/normalizer/normalizers/1/pattern", R"({"Regex": " +"})", "normalizer.normalizers[1].pattern is no string"},
      {"/normalizer/normalizers/1/pattern", R"({"String": ""})", "pattern is empty"},
      {"/normalizer/normalizers", "3", "normalizer.normalizers is not an array"},
      {"/pre_tokenizer", R"({"type": "Punctuation"})", "pre_tokenizer has the type \"Punctuation\""},
      {"/pre_tokenizer", R"({"type": "Metaspace"})", "\"pre_tokenizer.replacement\" is missing"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": ""})", "pre_tokenizer.replacement is empty"},
      {"/pre_tokenizer", R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "often"})",
       "prepend_scheme is \"often\""},
      {"/decoder", R"({"type": "CTC"})", "decoder has the type \"CTC\""},
      {"/decoder/decoders/1/type", "\"ByteLevel\"", "decoder.decoders[1] has the type \"ByteLevel\" in a place"},
      {"/decoder/decoders/3", R"({"type": "Replace", "pattern": {"String": "a"}, "content": "b"})",
       "decoder.decoders[3] has the type \"Replace\" in a place"},
      {"/decoder/decoders/3/stop", "1", "decoder.decoders[3].stop is not 0"},
      {"/decoder/decoders/3/start", "-1", "decoder.decoders[3].start is not a whole number"},
      {"/decoder/decoders/3/content", "\"\"", "decoder.decoders[3].content is empty"},
      {"/post_processor", R"({"type": "Other"})", "post_processor has the type \"Other\""},
      {"/post_processor/special_tokens/<s>/ids/0", "266", "ids[0] is 266, but ids end at 265"},
      {"/post_processor/single/0/SpecialToken/id", "\"<t>\"", "\"post_processor.special_tokens.<t>\" is missing"},
      {"/post_processor/single", "[]", "post_processor.single does not hold the text exactly once"},
      {"/post_processor", R"({"type": "BertProcessing", "cls": ["<s>", 1], "sep": ["</s>"]})", "sep is not a pair"},
      {"/model/vocab/<0x41>", "999", "\"<0x41>\" an id outside 0 to 265"},
      {"/model/vocab/ab", "1", "one that another piece has"},
      {"/model/merges/1", "[\"b\", \"b\"]", "model.merges[1] needs the pieces \"b\", \"b\" and \"bb\""},
      {"/model/merges/1", "[\"b\"]", "model.merges[1] is not a pair"},
      {"/model/merges/1", "\"a b b\"", "model.merges[1] is not a pair"},
      {"/model/unk_token", "\"<none>\"", "model.unk_token needs the piece \"<none>\""},
      {"/model/byte_fallback", "3", "model.byte_fallback is neither true nor false"},
      {"/model/dropout", "0.5", "model.dropout is set"},
      {"/added_tokens/1/id", "5", "added_tokens[1] gives \"</s>\" the id 5 where 2 is its place"},
      {"/added_tokens/1/content", "\"<new>\"", "\"<new>\" the id 2 where 266 is its place"},
      {"/added_tokens/1/content", "\"<s>\"", "repeats the token"},
  };
  for (const Fault& each : faults)
    EXPECT_THAT(fault(changed(each.place, each.value)), HasSubstr(each.message)) << each.place;
}

TEST(TokenizerFault, FallbackNeedsEveryByte) {
  Json file = small_file();
  file["model"]["vocab"].erase("<0x41>");
  file["model"]["vocab"]["new"] = kByte + 0x41;
  EXPECT_THAT(fault(file), HasSubstr("model.byte_fallback needs the piece \"<0x41>\""));
}

TEST(TokenizerFile, OfManyPiecesLoadsQuickly) {
  Json file = small_file();
  for (int i = 0; i < 150'000; ++i) file["model"]["vocab"]["piece" + std::to_string(i)] = 266 + i;
  const Json parsed = Json::parse(file.dump());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(make(parsed)->size(), 150'266);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 5.0);
}

}  // namespace
}  // namespace larimar::text
