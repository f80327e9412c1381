// The older files of a folder: vocab.txt, vocab.json with merges.txt, and what stands beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/text/byte_alphabet.h"
#include "common/text/tokenizer.h"
#include "tests/support/temporary_text.h"

namespace larimar::text {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;
using Ids = std::vector<TokenId>;

class TokenizerFiles : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& text) { folder_.write(name, text); }
  [[nodiscard]] std::unique_ptr<const Tokenizer> load() const { return load_tokenizer(folder_.folder()); }
  [[nodiscard]] std::string fault() const {
    try {
      (void)load();
    } catch (const base::FormatError& error) {
      return error.what();
    }
    return "no FormatError";
  }
  void put_bert() { put("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nriver\nRiver\n##s\ncaf\u00e9\ncafe\n"); }
  void put_gpt2(const std::string& merges = "#version: 0.2\na b\nab c\n") {
    Json vocabulary{{"ab", 256}, {"abc", 257}};
    for (int byte = 0; byte < 256; ++byte) vocabulary[printable_of_byte(static_cast<unsigned char>(byte))] = byte;
    put("vocab.json", vocabulary.dump());
    put("merges.txt", merges);
  }

 private:
  support::TemporaryText folder_;
};

TEST_F(TokenizerFiles, VocabTxtIsBertInSmallLettersUnlessTheConfigurationSaysOtherwise) {
  put_bert();
  EXPECT_THAT(load()->encode("Rivers CAF\u00c9"), ElementsAre(5, 7, 9));
  EXPECT_THAT(load()->with_specials({5}), ElementsAre(2, 5, 3));
  put("tokenizer_config.json", R"({"do_lower_case": false})");
  EXPECT_THAT(load()->encode("Rivers caf\u00e9"), ElementsAre(6, 7, 8));
  put("tokenizer_config.json", R"({"do_lower_case": true, "strip_accents": false})");
  EXPECT_THAT(load()->encode("RIVERS CAF\u00c9"), ElementsAre(5, 7, 8));
}

TEST_F(TokenizerFiles, SpecialTokensOfBertMayHaveOtherNames) {
  put("vocab.txt", "<unk>\r\n<s>\r\n</s>\r\nriver\r\n");
  put("special_tokens_map.json", R"({"unk_token": "<unk>", "cls_token": {"content": "<s>"}, "sep_token": "</s>"})");
  const auto tokenizer = load();
  EXPECT_THAT(tokenizer->encode("river sea"), ElementsAre(3, 0));
  EXPECT_THAT(tokenizer->with_specials({3}), ElementsAre(1, 3, 2));
  EXPECT_EQ(tokenizer->size(), 6) << "[PAD] and [MASK] come behind the vocabulary";
  EXPECT_EQ(tokenizer->id_of("[PAD]"), 4);
}

TEST_F(TokenizerFiles, FaultsOfVocabTxtNameTheLine) {
  put("vocab.txt", "[UNK]\n[CLS]\n[SEP]\nriver\nriver\n");
  EXPECT_THAT(fault(), HasSubstr("vocab.txt: line 5 repeats the piece \"river\""));
  put("vocab.txt", "[CLS]\n[SEP]\nriver\n");
  EXPECT_THAT(fault(), HasSubstr("needs the piece \"[UNK]\""));
  put("vocab.txt", "[UNK]\n[CLS]\nriver\n");
  EXPECT_THAT(fault(), HasSubstr("vocab.txt: the vocabulary lacks the special token \"[SEP]\""));
  put("vocab.txt", "");
  EXPECT_THAT(fault(), HasSubstr("vocab.txt"));
  put_bert();
  put("tokenizer_config.json", R"({"do_lower_case": "yes"})");
  EXPECT_THAT(fault(), HasSubstr("tokenizer_config.json: do_lower_case is neither true nor false"));
  put("tokenizer_config.json", "{");
  EXPECT_THAT(fault(), HasSubstr("tokenizer_config.json is not JSON at byte 2"));
}

TEST_F(TokenizerFiles, VocabJsonWithMergesIsGpt2) {
  put_gpt2();
  const auto tokenizer = load();
  EXPECT_THAT(tokenizer->encode("abc b"), ElementsAre(257, ' ', 'b'));
  EXPECT_EQ(tokenizer->decode(Ids{257, 256}), "abcab");
  EXPECT_EQ(tokenizer->id_of("<|endoftext|>"), 258) << "behind the vocabulary, which lacks it";
  EXPECT_EQ(tokenizer->size(), 259);
  EXPECT_THAT(tokenizer->with_specials({7}), ElementsAre(7));
  put("tokenizer_config.json", R"({"add_prefix_space": true, "add_bos_token": false})");
  EXPECT_THAT(load()->encode("b"), ElementsAre(' ', 'b'));
}

TEST_F(TokenizerFiles, AddedTokensStandBehindTheVocabulary) {
  put_gpt2("a b\nab c\n");
  put("added_tokens.json", R"({"<PAD>": 258, "<BOS>": 259, "<EOS>": 260, "tool": 261, "<|endoftext|>": 262})");
  put("special_tokens_map.json", R"({"pad_token": "<PAD>", "bos_token": "<BOS>", "eos_token": "<EOS>"})");
  const auto tokenizer = load();
  EXPECT_EQ(tokenizer->size(), 263);
  EXPECT_THAT(tokenizer->encode_marked("<BOS>abc<EOS>"), ElementsAre(259, 257, 260));
  EXPECT_THAT(tokenizer->encode("tool"), ElementsAre(261)) << "not special, so it may come from any text";
  EXPECT_EQ(tokenizer->encode("<BOS>").size(), 5U) << "a document cannot forge it";
  EXPECT_EQ(tokenizer->decode(Ids{259, 257, 260, 261}), "abctool");
  EXPECT_EQ(tokenizer->decode_marked(Ids{259, 257, 260}), "<BOS>abc<EOS>");
}

TEST_F(TokenizerFiles, AddedTokensOfTheConfigurationComeFirst) {
  put_gpt2();
  put("added_tokens.json", R"({"<other>": 258})");
  put("tokenizer_config.json",
      R"({"added_tokens_decoder": {"258": {"content": "<|endoftext|>", "special": true, "normalized": false},
                                   "259": {"content": "x y", "special": false, "rstrip": true}}})");
  EXPECT_THAT(load()->encode("ax y  b"), ElementsAre('a', 259, 'b'));
  put("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "a"}}})");
  EXPECT_THAT(fault(), HasSubstr("added_tokens_decoder has the key \"x\", which is no id"));
  put("tokenizer_config.json", R"({"added_tokens_decoder": {"300": {"content": "a b"}}})");
  EXPECT_THAT(fault(), HasSubstr("gives \"a b\" the id 300 where 258 is its place"));
}

TEST_F(TokenizerFiles, FaultsOfMergesNameFileAndLine) {
  for (const std::string line : {"ab", "a b c", " b", "a ", ""}) {
    put_gpt2("#version: 0.2\na b\n" + line + "\nab c\n");
    EXPECT_THAT(fault(), HasSubstr("merges.txt: line 3 is not a pair of pieces")) << line;
  }
  put_gpt2("a b\nx y\n");
  EXPECT_THAT(fault(), HasSubstr("model.merges[1] needs the pieces \"x\", \"y\" and \"xy\""));
  put_gpt2();
  put("vocab.json", "[]");
  EXPECT_THAT(fault(), HasSubstr("vocab.json is not an object"));
  put("vocab.json", R"({"a": 0, "b": 2})");
  EXPECT_THAT(fault(), HasSubstr("gives \"b\" an id outside 0 to 1"));
}

TEST_F(TokenizerFiles, TokenizerJsonComesFirstAndAnEmptyFolderIsRefused) {
  EXPECT_THROW((void)load(), base::MissingInputError);
  put_gpt2();
  put("tokenizer.json", "{");
  EXPECT_THAT(fault(), HasSubstr("tokenizer.json is not JSON"));
}

}  // namespace
}  // namespace larimar::text
