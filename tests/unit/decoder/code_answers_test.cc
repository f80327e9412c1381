#include "decoder/code_answers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_code_reader.h"
#include "tests/support/fake_networks.h"

namespace larimar::decoder {
namespace {

TEST(CodeAnswers, CodesStandInThePromptWhereTextsWould) {
  support::FakeCodeReader reader;
  const support::ByteTokenizer tokenizer;
  CodeAnswers answers(reader, tokenizer);
  linalg::Matrix codes(2, 3);
  codes << 1, 2, 3, 4, 5, 6;
  EXPECT_EQ(answers.answer("who?", codes), "1 4: who?");
  ASSERT_EQ(reader.prompts.size(), 1U);
  const text::PromptFrame& frame = text::kAnswerChat;  // this tokenizer takes every name for a piece
  EXPECT_EQ(reader.prompts.front(), std::string(frame.begin) + "- [1 2 3]\n- [4 5 6]\n" + std::string(frame.middle) +
                                        "who?" + std::string(frame.end));
  EXPECT_EQ(reader.most_tokens, text::kMostAnswerTokens);
}

TEST(CodeAnswers, RowsOfALargerMatrixAreReadWhereTheyStand) {
  support::FakeCodeReader reader;
  const support::ByteTokenizer tokenizer;
  CodeAnswers answers(reader, tokenizer);
  linalg::Matrix wide(3, 5);
  wide << 0, 0, 0, 0, 0, 0, 7, 8, 9, 0, 0, 0, 0, 0, 0;
  EXPECT_EQ(answers.answer("a?", wide.block(1, 1, 1, 3)), "7: a?");
}

TEST(CodeAnswers, WithoutACodeThereIsNoAnswer) {
  support::FakeCodeReader reader;
  const support::ByteTokenizer tokenizer;
  CodeAnswers answers(reader, tokenizer);
  EXPECT_EQ(answers.answer("who?", linalg::Matrix(0, 3)), "");
  EXPECT_TRUE(reader.prompts.empty());
}

}  // namespace
}  // namespace larimar::decoder
