// Small tokenizers of every form: ids and texts must be those of the reference library; made by tools/make_tokenizer_golden.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/file.h"
#include "common/base/random.h"
#include "common/text/stream_decoder.h"
#include "common/text/tokenizer.h"
#include "common/text/unicode_forms.h"
#include "tests/unit/text/support.h"

namespace larimar::text {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<TokenId>;

std::filesystem::path folder() { return test::source_dir() / "tests/data/tokenizers"; }

/// What a stream gives. Each part must be fit to be shown by itself: no code point is cut in two.
std::string stream(const Tokenizer& tokenizer, const Ids& ids, SpecialTokens specials) {
  StreamDecoder decoder(tokenizer, specials);
  std::string text, shown;
  const auto add = [&](const std::string& part) {
    text += part;
    shown += show_utf8(part);
  };
  for (const TokenId id : ids) add(decoder.push(id));
  add(decoder.finish());
  EXPECT_EQ(shown, show_utf8(text)) << Json(ids);
  return text;
}

class TokenizerGolden : public ::testing::TestWithParam<std::string> {
 protected:
  TokenizerGolden() : tokenizer_(load_tokenizer(folder() / (GetParam() + ".json"))) {}

  void check_encoded(const Json& line, const std::string& place) const {
    const auto text = line["text"].get<std::string>();
    const auto ids = line["ids"].get<Ids>();
    EXPECT_EQ(tokenizer_->encode_marked(text), ids) << place << line["text"];
    EXPECT_EQ(tokenizer_->encode(text), line.contains("plain") ? line["plain"].get<Ids>() : ids)
        << place << line["text"];
  }

  void check_decoded(const Json& line, const std::string& place) const {
    const auto ids = line["tokens"].get<Ids>();
    EXPECT_EQ(show_utf8(tokenizer_->decode(ids)), line["text"].get<std::string>()) << place << line["tokens"];
    EXPECT_EQ(show_utf8(tokenizer_->decode_marked(ids)), line["marked"].get<std::string>()) << place << line["tokens"];
    EXPECT_EQ(stream(*tokenizer_, ids, SpecialTokens::kSkip), tokenizer_->decode(ids)) << place;
    EXPECT_EQ(stream(*tokenizer_, ids, SpecialTokens::kKeep), tokenizer_->decode_marked(ids)) << place;
  }

  std::unique_ptr<const Tokenizer> tokenizer_;
};

TEST_P(TokenizerGolden, IdsAndTextsAreThoseOfTheReferenceLibrary) {
  std::istringstream lines(base::read_file(folder() / (GetParam() + ".jsonl")));
  int encoded = 0;
  int decoded = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json expected = Json::parse(line);
    const std::string place = GetParam() + ", line " + std::to_string(encoded + decoded + 1) + ": ";
    if (expected.contains("tokens")) {
      check_decoded(expected, place);
      ++decoded;
    } else {
      check_encoded(expected, place);
      ++encoded;
    }
  }
  EXPECT_GT(encoded, 400);
  EXPECT_GT(decoded, 200);
}

TEST_P(TokenizerGolden, SizeAndPostProcessorAreThoseOfTheReferenceLibrary) {
  const Json expected = Json::parse(base::read_file(folder() / "post.json"))[GetParam()];
  EXPECT_EQ(tokenizer_->size(), expected["size"].get<TokenId>());
  EXPECT_EQ(tokenizer_->encode("a river"), expected["ids"].get<Ids>());
  EXPECT_EQ(tokenizer_->with_specials(expected["ids"].get<Ids>()), expected["with_specials"].get<Ids>());
}

TEST_P(TokenizerGolden, AnyBytesAreTakenAndEveryIdCanBeDecoded) {
  base::Random random(31);
  const bool every_byte_comes_back = GetParam() == "gpt2" || GetParam() == "smollm2";
  for (int round = 0; round < 200; ++round) {
    const std::string bytes = test::random_bytes(random.below(150), random) + test::random_text(2, random);
    const Ids ids = tokenizer_->encode(bytes);
    for (const TokenId id : ids) ASSERT_TRUE(id >= 0 && id < tokenizer_->size());
    if (every_byte_comes_back) {
      EXPECT_EQ(tokenizer_->decode(ids), bytes);
    }
    (void)tokenizer_->encode_marked(bytes);
  }
  for (TokenId id = -1; id <= tokenizer_->size(); ++id) (void)tokenizer_->decode(Ids{id, id});
}

INSTANTIATE_TEST_SUITE_P(Forms, TokenizerGolden,
                         ::testing::Values("gpt2", "smollm2", "llama", "mistral", "metaspace", "unknown",
                                           "bert_uncased", "bert_cased"),
                         [](const auto& form) { return form.param; });

}  // namespace
}  // namespace larimar::text
