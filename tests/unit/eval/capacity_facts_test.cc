#include "eval/capacity_facts.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "tests/support/fake_networks.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using linalg::Index;
using test::error_of;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kCounterFact =
    R"([{"case_id": 0, "prompt": "The mother tongue of Ann is", "target_new": "Dutch", "rephrase_prompt": "Ann speaks"},
        {"prompt": "Bob lives in", "target_new": "Rome", "rephrase_prompt": "The home of Bob is"},
        {"prompt": "Bob lives in", "target_new": "Rome", "rephrase_prompt": "Bob is at home in"},
        {"prompt": "Eve plays", "target_new": "chess", "rephrase_prompt": "The game of Eve is"}])";
constexpr const char* kZsre = R"([{"src": "Who made it?", "alt": "Ann Lee", "rephrase": "By whom was it made?"}])";

/// Gives back what FakeCodes encoded, but for the texts that it is told to lose.
struct FakeDecoder : model::CodeDecoder {
  FakeDecoder(Index size, std::vector<std::string> known) : size_(size), known_(std::move(known)) {}
  [[nodiscard]] Index code_size() const override { return size_; }
  [[nodiscard]] std::vector<std::vector<text::TokenId>> decode(linalg::ConstMatrixRef codes) override {
    support::FakeCodes encoder(size_);
    std::vector<std::vector<text::TokenId>> texts(static_cast<std::size_t>(codes.rows()));
    for (const std::string& text : known_) {
      const std::vector<std::vector<text::TokenId>> tokens{support::ByteTokenizer().encode(text)};
      const linalg::Matrix code = encoder.encode(tokens);
      for (Index i = 0; i < codes.rows(); ++i) {
        if (codes.row(i) == code.row(0)) texts[static_cast<std::size_t>(i)] = tokens[0];
      }
    }
    return texts;
  }
  Index size_;
  std::vector<std::string> known_;
};

class CapacityFacts : public testing::Test {
 protected:
  std::string refusal(const std::string& content) {
    const auto file = folder_.write("bad.json", content);
    return error_of<base::FormatError>([&] { (void)read_facts(file); });
  }
  test::TemporaryFolder folder_;
};

TEST_F(CapacityFacts, BothFormsAreReadAndRepeatedTextsOnce) {
  const FactList list = read_facts(folder_.write("c.json", kCounterFact));
  const auto& facts = list.facts;
  EXPECT_EQ(list.left_out, 1U);
  ASSERT_EQ(facts.size(), 3U);
  EXPECT_EQ(facts[0].text, "The mother tongue of Ann is Dutch");
  EXPECT_EQ(facts[0].rephrased, "Ann speaks");
  EXPECT_EQ(facts[1].rephrased, "The home of Bob is");
  EXPECT_EQ(facts[2].text, "Eve plays chess");
  const auto zsre = read_facts(folder_.write("z.json", kZsre)).facts;
  ASSERT_EQ(zsre.size(), 1U);
  EXPECT_EQ(zsre[0].text, "Who made it? Ann Lee");
  EXPECT_EQ(zsre[0].rephrased, "By whom was it made?");
}

TEST_F(CapacityFacts, WhatIsNoListOfFactsIsRefusedByRecord) {
  EXPECT_THAT(refusal("[{"), AllOf(HasSubstr("bad.json"), HasSubstr("not a JSON list")));
  EXPECT_THAT(refusal("{}"), HasSubstr("not a JSON list"));
  EXPECT_THAT(refusal("[]"), HasSubstr("holds no fact"));
  EXPECT_THAT(refusal("[3]"), HasSubstr("record 1 is no fact"));
  const std::string good = R"({"src": "a", "alt": "b", "rephrase": "c"})";
  EXPECT_THAT(refusal("[" + good + R"(, {"text": "a"}])"), HasSubstr("record 2 is no fact"));
  EXPECT_THAT(refusal("[" + good + R"(, {"src": "a", "rephrase": "c"}])"),
              AllOf(HasSubstr("record 2"), HasSubstr("no text alt")));
  EXPECT_THAT(refusal(R"([{"prompt": "a", "target_new": 3, "rephrase_prompt": "c"}])"),
              HasSubstr("no text target_new"));
  EXPECT_THAT(refusal(R"([{"prompt": "a", "target_new": "b"}])"), HasSubstr("no text rephrase_prompt"));
  EXPECT_THAT(refusal(R"([{"src": "a", "alt": "", "rephrase": "c"}])"), HasSubstr("holds no fact"));
  EXPECT_THAT(error_of<base::MissingInputError>([&] { (void)read_facts(folder_.path() / "absent.json"); }),
              HasSubstr("absent.json"));
}

TEST_F(CapacityFacts, CodesKeysAndTextsOfAFactStandInOneRow) {
  const auto file = folder_.write("few.json", kCounterFact);
  support::FakeCodes encoder(24);
  FakeDecoder decoder(24, {"Bob lives in Rome", "Eve plays chess"});
  support::FakeKeys sentences(12);
  const support::ByteTokenizer tokenizer;
  const FactSet set = encode_facts(file, {encoder, decoder, tokenizer},
                                   {.sentences = &sentences, .facts = 10, .rephrasings = 2, .decoded = 10, .seed = 5});
  EXPECT_EQ(set.source, "few");
  ASSERT_EQ(set.codes.rows(), 3);
  ASSERT_EQ(set.keys.size(), 2U);
  EXPECT_EQ(set.keys[0].written, set.codes);
  EXPECT_EQ(set.keys[1].name, "sentence");
  EXPECT_EQ(set.keys[1].rephrased.rows(), 2);
  const auto facts = read_facts(file).facts;
  std::size_t decoded = 0;
  for (Index i = 0; i < 3; ++i) {
    const std::string& text = sentences.seen[static_cast<std::size_t>(i)];
    const std::vector<std::vector<text::TokenId>> tokens{tokenizer.encode(text)};
    EXPECT_EQ(set.codes.row(i), encoder.encode(tokens).row(0));
    EXPECT_EQ(set.keys[1].written.row(i), sentences.encode(std::vector{text}).row(0));
    const auto& kept = set.tokens[static_cast<std::size_t>(i)];
    decoded += kept.empty() ? 0U : 1U;
    EXPECT_EQ(kept.empty(), text.starts_with("The mother")) << "its code does not decode";
    EXPECT_EQ(tokenizer.decode(kept), kept.empty() ? "" : text);
  }
  EXPECT_EQ(decoded, 2U);
  const auto fact = std::ranges::find(facts, sentences.seen[1], &Fact::text);
  const std::vector<std::vector<text::TokenId>> question{tokenizer.encode(fact->rephrased)};
  EXPECT_EQ(set.keys[0].rephrased.row(1), encoder.encode(question).row(0));
}

TEST_F(CapacityFacts, LongTextsAreCutAtTheModelsLimitAndFactsAtTheirNumber) {
  const auto file = folder_.write("few.json", kCounterFact);
  support::FakeCodes encoder(8, 5);
  FakeDecoder decoder(8, {});
  const support::ByteTokenizer tokenizer;
  const FactSet set = encode_facts(file, {encoder, decoder, tokenizer}, {.facts = 2, .decoded = 1});
  EXPECT_EQ(set.codes.rows(), 2);
  EXPECT_EQ(set.keys.size(), 1U);
  EXPECT_EQ(set.tokens.size(), 1U);
}

}  // namespace
}  // namespace larimar::eval
