#include "eval/score.h"

#include <gmock/gmock.h>

namespace larimar::eval {
namespace {

Citation cite(const std::string& document, std::uint64_t begin, std::uint64_t end) {
  return {.document = document, .byte_begin = begin, .byte_end = end, .excerpt = ""};
}
const HiddenNeedle kNeedle = {"/data/a.txt", 100, 150, 10};
const HiddenNeedle kOther = {"/data/b.txt", 10, 20, 60};

Score score_of(const Answer& answer, const std::vector<std::string>& expected,
               const std::vector<HiddenNeedle>& evidence = {kNeedle}) {
  return score_answer(answer, {evidence, expected, false});
}

TEST(IsRight, NeedsOverlapInTheSameDocument) {
  EXPECT_TRUE(is_right(cite("/data/a.txt", 149, 200), kNeedle));
  EXPECT_TRUE(is_right(cite("/data/./x/../a.txt", 0, 101), kNeedle));
  EXPECT_FALSE(is_right(cite("/data/a.txt", 150, 200), kNeedle));
  EXPECT_FALSE(is_right(cite("/data/a.txt", 0, 100), kNeedle));
  EXPECT_FALSE(is_right(cite("/data/b.txt", 100, 150), kNeedle));
}

TEST(ContainsString, TakesWhiteSpaceAsOneSpaceAndKeepsCase) {
  EXPECT_TRUE(contains_string(" eat a\n  sandwich now", "eat a sandwich"));
  EXPECT_FALSE(contains_string("Eat a sandwich", "eat a sandwich"));
  EXPECT_FALSE(contains_string("eat asandwich", "eat a sandwich"));
  EXPECT_FALSE(contains_string("anything", " "));
}

TEST(ContainsString, DoesNotFindANumberInALongerOne) {
  EXPECT_TRUE(contains_string("is 817.", "817"));
  EXPECT_FALSE(contains_string("is 8172.", "817"));
  EXPECT_FALSE(contains_string("is 2817", "817"));
  EXPECT_TRUE(contains_string("not 8172 but 817", "817"));
  EXPECT_TRUE(contains_string("817km", "817"));
}

TEST(ContainsString, FindsWholeWordsWhereAsked) {
  EXPECT_TRUE(contains_string("north", "no"));
  EXPECT_FALSE(contains_string("north", "no", true));
  EXPECT_FALSE(contains_string("piano", "no", true));
  EXPECT_TRUE(contains_string("oh no!", "no", true));
}

TEST(ScoreAnswer, CountsTheShareOfSeveralValuesAndPlaces) {
  Answer answer;
  answer.answer = "817 and 9";
  answer.decoded = {"817", "22"};
  answer.citations = {cite("/data/c.txt", 0, 5), cite("/data/b.txt", 0, 11)};
  const Score score = score_of(answer, {"817", "22", "333", "4444"}, {kNeedle, kOther});
  EXPECT_EQ(score.value, 0.25);
  EXPECT_EQ(score.value_any, 0.5);
  EXPECT_EQ(score.evidence_read, 0.5);
  EXPECT_EQ(score.rank, 2U);
  EXPECT_FALSE(score.wording || score.wording_any);
}

TEST(ScoreAnswer, KeepsRetrievalAndWordingApart) {
  Answer answer;
  answer.answer = "is 123.";
  answer.decoded = {"The pass key is 123.", "The pass key is 817."};
  answer.citations = {cite("/data/a.txt", 0, 50), cite("/data/a.txt", 90, 160)};
  const Score score = score_of(answer, {"817"});
  EXPECT_EQ(score.rank, 2U);
  EXPECT_FALSE(score.retrieval_first);
  EXPECT_TRUE(score.retrieval_any);
  EXPECT_FALSE(score.wording);
  EXPECT_TRUE(score.wording_any);
  const Score first =
      score_of({.id = "", .answer = "817", .decoded = {}, .citations = {cite("/data/a.txt", 100, 150)}}, {"817"});
  EXPECT_TRUE(first.retrieval_first && first.wording && first.wording_any);
  EXPECT_EQ(score_of({}, {"817"}).rank, 0U);
}

TEST(ScoreAnswer, OneOfSeveralAlternativesIsEnough) {
  const std::vector<std::string> names = {"Bruno", "Brunhilde"};
  const auto score_any = [&](const Answer& answer) {
    return score_answer(answer, {.evidence = {}, .expected = names, .wanted = Wanted::kAny});
  };
  const Score one = score_any({.id = "", .answer = "It was Bruno.", .decoded = {}, .citations = {}});
  EXPECT_TRUE(one.wording && one.wording_any);
  EXPECT_EQ(one.value, 1);
  const Score read = score_any({.id = "", .answer = "Nobody", .decoded = {"Brunhilde it was"}, .citations = {}});
  EXPECT_FALSE(read.wording);
  EXPECT_EQ(read.value, 0);
  EXPECT_TRUE(read.wording_any);
  EXPECT_FALSE(score_any({.id = "", .answer = "Otto", .decoded = {}, .citations = {}}).wording_any);
}

TEST(Recall, HasWilsonsInterval) {
  const Recall most{50, 49};  // reference values: the formula in exact arithmetic
  EXPECT_NEAR(most.value(), 0.98, 1e-12);
  EXPECT_NEAR(most.low(), 0.8950, 1e-4);
  EXPECT_NEAR(most.high(), 0.9965, 1e-4);
  const Recall all{50, 50};
  EXPECT_NEAR(all.low(), 0.9287, 1e-4);
  EXPECT_NEAR(all.high(), 1, 1e-12);
  const Recall none{50, 0};
  EXPECT_NEAR(none.low(), 0, 1e-12);
  EXPECT_NEAR(none.high(), 1 - 0.9287, 1e-4);
  EXPECT_EQ(Recall{}.value(), 0);
  EXPECT_EQ(Recall{}.low(), 0);
  EXPECT_EQ(Recall{}.high(), 1);
}

}  // namespace
}  // namespace larimar::eval
