#include "eval/score.h"

#include <gmock/gmock.h>

namespace larimar::eval {
namespace {

Citation cite(const std::string& document, std::uint64_t begin, std::uint64_t end) {
  return {.document = document, .byte_begin = begin, .byte_end = end, .excerpt = ""};
}
const HiddenNeedle kNeedle = {"/data/a.txt", 100, 150, 10};

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

TEST(ScoreAnswer, KeepsRetrievalAndWordingApart) {
  Answer answer;
  answer.answer = "is 123.";
  answer.decoded = {"The pass key is 123.", "The pass key is 817."};
  answer.citations = {cite("/data/a.txt", 0, 50), cite("/data/a.txt", 90, 160)};
  const Score score = score_answer(answer, kNeedle, "817");
  EXPECT_EQ(score.rank, 2U);
  EXPECT_FALSE(score.retrieval_first);
  EXPECT_TRUE(score.retrieval_any);
  EXPECT_FALSE(score.wording);
  EXPECT_TRUE(score.wording_any);
  const Score first = score_answer(
      {.id = "", .answer = "817", .decoded = {}, .citations = {cite("/data/a.txt", 100, 150)}}, kNeedle, "817");
  EXPECT_TRUE(first.retrieval_first && first.wording && first.wording_any);
  EXPECT_EQ(score_answer({}, kNeedle, "817").rank, 0U);
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
