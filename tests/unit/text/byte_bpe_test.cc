#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/text/file_tokenizer.h"
#include "common/text/word_split.h"
#include "tests/unit/text/support.h"

namespace larimar::text {
namespace {

using test::compact_tokenizer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

TEST(ByteBpe, IdsAreEqualToTheReferenceLibraryForAllTexts) {
  std::istringstream lines(base::read_file(test::source_dir() / "tests/data/bpe_golden.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const Json expected = Json::parse(line);
    const auto text = expected["text"].get<std::string>();
    const auto ids = compact_tokenizer().encode(text);
    EXPECT_EQ(ids, expected["ids"].get<std::vector<TokenId>>()) << "line " << count + 1 << ": " << expected["text"];
    EXPECT_EQ(compact_tokenizer().decode(ids), text) << "line " << count + 1;
  }
  EXPECT_EQ(count, 900);
}

TEST(ByteBpe, AnyBytesComeBack) {
  base::Random random(7);
  for (int i = 0; i < 400; ++i) {
    const std::string bytes = test::random_bytes(random.below(300), random);
    EXPECT_EQ(compact_tokenizer().decode(compact_tokenizer().encode(bytes)), bytes) << "round " << i;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const std::string alone(1, static_cast<char>(byte));
    EXPECT_EQ(compact_tokenizer().encode(alone).size(), 1U) << byte;
    EXPECT_EQ(compact_tokenizer().decode(compact_tokenizer().encode(alone)), alone) << byte;
  }
}

TEST(ByteBpe, NamesOfSpecialTokensAreOrdinaryText) {
  for (const std::string name : {"<pad>", "<s>", "</s>"}) {
    const auto ids = compact_tokenizer().encode(name);
    EXPECT_GT(ids.size(), 1U);
    EXPECT_EQ(compact_tokenizer().decode(ids), name);
    const std::vector<TokenId> special{compact_tokenizer().id_of(name)};
    EXPECT_LT(special[0], 3);
    EXPECT_EQ(compact_tokenizer().decode(special), "");
  }
}

TEST(ByteBpe, DecodeLeavesOutIdsThatDoNotExist) {
  EXPECT_EQ(
      compact_tokenizer().decode(std::vector<TokenId>{-1, compact_tokenizer().size(), compact_tokenizer().id_of("a")}),
      "a");
}

std::string printable(int byte) {  // GPT-2's form, for small files below
  const bool visible = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
  int hidden = 0x100;
  for (int i = 0; i < byte; ++i) hidden += (i >= '!' && i <= '~') || (i >= 0xA1 && i <= 0xAC) || i >= 0xAE ? 0 : 1;
  const int value = visible ? byte : hidden;
  if (value < 0x80) return {static_cast<char>(value)};
  return {static_cast<char>(0xC0 | (value >> 6)), static_cast<char>(0x80 | (value & 0x3F))};
}

/// All 256 bytes at the ids 1 to 256 and the merges a+b, c+d, ab+cd, a+a.
Json small_file() {
  Json vocabulary{{"<s>", 0}, {"ab", 257}, {"cd", 258}, {"abcd", 259}, {"aa", 260}};
  for (int byte = 0; byte < 256; ++byte) vocabulary[printable(byte)] = byte + 1;
  return {{"added_tokens", {{{"id", 0}, {"content", "<s>"}}}},
          {"normalizer", nullptr},
          {"decoder", {{"type", "ByteLevel"}}},
          {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}}},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", {"a b", {"c", "d"}, "ab cd", "a a"}}}}};
}

TEST(ByteBpe, MergesByRankThenFromTheLeftInShortAndLongWords) {
  const auto tokenizer = make_tokenizer(small_file(), "small.json");
  EXPECT_THAT(tokenizer->encode("abcd"), ElementsAre(259));
  EXPECT_THAT(tokenizer->encode("aaab"), ElementsAre(260, 257));
  EXPECT_THAT(tokenizer->encode("aaaaa"), ElementsAre(260, 260, 'a' + 1));
  // 63, 64 and 65 bytes: both ways of merging, with the same ids.
  for (const std::size_t size : {63U, 64U, 65U, 200U}) {
    const auto ids = tokenizer->encode(std::string(size, 'a'));
    std::vector<TokenId> expected(size / 2, 260);
    if (size % 2 == 1) expected.push_back('a' + 1);
    EXPECT_EQ(ids, expected) << size;
  }
  for (const std::size_t pairs : {31U, 32U, 33U, 100U}) {
    std::string word;
    for (std::size_t i = 0; i < pairs; ++i) word += i % 2 == 0 ? "ab" : "cd";
    const auto ids = tokenizer->encode(word);
    std::vector<TokenId> expected(pairs / 2, 259);
    if (pairs % 2 == 1) expected.push_back(257);
    EXPECT_EQ(ids, expected) << pairs;
  }
}

TEST(ByteBpe, DigitsStandAloneOnlyIfTheFileSaysSo) {
  EXPECT_THAT(split_words("a12 34", true), ElementsAre("a", "1", "2", " ", "3", "4"));
  EXPECT_THAT(split_words("a12 34", false), ElementsAre("a", "12", " 34"));
}

/// The error that a changed small file gives.
std::string fault(const std::function<void(Json&)>& change) {
  Json file = small_file();
  change(file);
  try {
    (void)make_tokenizer(file, "small.json");
  } catch (const base::FormatError& error) {
    return error.what();
  }
  return "no FormatError";
}

TEST(ByteBpeFile, MissingFieldsAreNamed) {
  EXPECT_THAT(fault([](Json& file) { file.erase("model"); }), HasSubstr("small.json: the field \"model\" is missing"));
  EXPECT_THAT(fault([](Json& file) { file["model"].erase("vocab"); }), HasSubstr("\"model.vocab\" is missing"));
  EXPECT_THAT(fault([](Json& file) { file["model"].erase("merges"); }), HasSubstr("\"model.merges\" is missing"));
  EXPECT_THAT(fault([](Json& file) { file.erase("pre_tokenizer"); }), HasSubstr("\"pre_tokenizer\" is missing"));
  EXPECT_THAT(fault([](Json& file) {
                file["pre_tokenizer"] = {{"type", "Sequence"}};
              }),
              HasSubstr("\"pre_tokenizer.pretokenizers\" is missing"));
}

TEST(ByteBpeFile, IdsMustBeDistinctAndInRange) {
  for (const Json& id : {Json(-1), Json(261), Json(std::uint64_t{1} << 40), Json("7"), Json(1.5), Json(257)}) {
    EXPECT_THAT(fault([&](Json& file) { file["model"]["vocab"]["aa"] = id; }), HasSubstr("an id outside 0 to 260"))
        << id;
  }
}

TEST(ByteBpeFile, EveryByteNeedsAPiece) {
  EXPECT_THAT(fault([](Json& file) {
                file["model"]["vocab"].erase("z");
                file["model"]["vocab"]["zz"] = 'z' + 1;
              }),
              HasSubstr("model needs the piece \"z\", which the vocabulary lacks"));
}

TEST(ByteBpeFile, MergesMustBePairsOfPieces) {
  EXPECT_THAT(fault([](Json& file) { file["model"]["merges"] = "a b"; }), HasSubstr("model.merges is not an array"));
  EXPECT_THAT(fault([](Json& file) { file["model"]["merges"][2] = "ab"; }), HasSubstr("model.merges[2] is not a pair"));
  EXPECT_THAT(fault([](Json& file) {
                file["model"]["merges"][1] = {"c", "d", "e"};
              }),
              HasSubstr("model.merges[1] is not a pair"));
  EXPECT_THAT(fault([](Json& file) { file["model"]["merges"][0] = "x y"; }),
              HasSubstr("model.merges[0] needs the pieces \"x\", \"y\" and \"xy\""));
}

TEST(ByteBpeFile, OtherPreTokenizersAreRefused) {
  const auto pre = [](const char* text) {
    return fault([&](Json& file) { file["pre_tokenizer"] = Json::parse(text); });
  };
  EXPECT_THAT(pre(R"({"type": "Whitespace"})"), HasSubstr("pre_tokenizer has the type \"Whitespace\""));
  EXPECT_THAT(pre(R"({"type": "Digits", "individual_digits": true})"), HasSubstr("\"Digits\""));
  EXPECT_THAT(pre(R"({"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "ByteLevel"}]})"),
              HasSubstr("pre_tokenizer.pretokenizers[0] has the type \"ByteLevel\" in a place"));
  EXPECT_THAT(pre(R"({"type": "Sequence", "pretokenizers": [{"type": "Digits"}, {"type": "ByteLevel"}]})"),
              HasSubstr("pretokenizers[0] keeps numbers whole"));
  EXPECT_THAT(pre(R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
                                                            {"type": "ByteLevel", "use_regex": false}]})"),
              HasSubstr("cuts digits without"));
  EXPECT_THAT(pre(R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
                                                            {"type": "ByteLevel", "add_prefix_space": true}]})"),
              HasSubstr("Digits before add_prefix_space"));
  EXPECT_THAT(pre(R"({"type": "Sequence", "pretokenizers": [
                       {"type": "Split", "pattern": {"Regex": "\\w+"}, "behavior": "Isolated", "invert": false},
                       {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})"),
              HasSubstr("pretokenizers[0].pattern is not known"));
}

TEST(ByteBpeFile, OptionsThatWouldChangeIdsAreRefused) {
  EXPECT_THAT(fault([](Json& file) {
                file["normalizer"] = {{"type", "Precompiled"}};
              }),
              HasSubstr("normalizer has the type \"Precompiled\""));
  EXPECT_THAT(
      fault([](Json& file) { file["normalizer"] = Json::parse(R"({"type": "Replace", "pattern": {"Regex": "a"}})"); }),
      HasSubstr("normalizer.pattern is no string"));
  EXPECT_THAT(fault([](Json& file) { file["model"]["ignore_merges"] = true; }),
              HasSubstr("model.ignore_merges is set"));
  EXPECT_THAT(fault([](Json& file) { file["model"]["byte_fallback"] = true; }),
              HasSubstr("model.byte_fallback is set"));
  EXPECT_THAT(fault([](Json& file) { file["model"]["end_of_word_suffix"] = "</w>"; }),
              HasSubstr("model.end_of_word_suffix is set"));
  EXPECT_THAT(fault([](Json& file) { file["model"]["dropout"] = 0.1; }), HasSubstr("model.dropout is set"));
}

TEST(ByteBpeFile, FieldsOfAnotherKindAreRefused) {
  EXPECT_THAT(fault([](Json& file) {
                file["model"]["vocab"] = Json::array({1, 2});
              }),
              HasSubstr("model.vocab is not an object"));
  EXPECT_THAT(fault([](Json& file) { file["pre_tokenizer"]["add_prefix_space"] = "no"; }),
              HasSubstr("pre_tokenizer.add_prefix_space is neither true nor false"));
  EXPECT_THAT(fault([](Json& file) { file["added_tokens"] = {1}; }), HasSubstr("added_tokens[0] is not an object"));
}

std::string load_fault(const std::string& content) {
  const auto path = std::filesystem::temp_directory_path() / ("larimar_bpe_" + std::to_string(::getpid()) + ".json");
  base::write_file(path, content);
  std::string text = "no FormatError";
  try {
    (void)load_tokenizer(path);
  } catch (const base::FormatError& error) {
    text = error.what();
  }
  std::filesystem::remove(path);
  return text;
}

TEST(LoadTokenizer, RefusesWhatIsNoTokenizerFile) {
  EXPECT_THAT(load_fault("{\"model\": "), HasSubstr("is not JSON at byte 11"));
  EXPECT_THAT(load_fault(""), HasSubstr("is not JSON"));
  EXPECT_THAT(load_fault("[1]"), HasSubstr("is not an object"));
  EXPECT_THAT(load_fault("{\"model\": {\"type\": 3}}"), HasSubstr("model.type is not a text"));
  EXPECT_THAT(load_fault("{\"model\": {\"type\": \"Unigram\"}}"), HasSubstr("\"Unigram\" is not known"));
  const std::string whole = base::read_file(test::tokenizer_file());
  EXPECT_THAT(load_fault(whole.substr(0, whole.size() / 2)), HasSubstr("is not JSON"));
  EXPECT_THROW((void)load_tokenizer("/nowhere/tokenizer.json"), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::text
