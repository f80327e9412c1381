#include "train/questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/base/error.h"
#include "common/base/file.h"
#include "tests/unit/train/small_language.h"

namespace larimar::train {
namespace {

using ::testing::HasSubstr;

class Questions : public ::testing::Test {
 protected:
  Questions()
      : options_(test::small_injection_run(folder_.path(), 1)),
        pieces_(text::load_tokenizer(options_.tokenizer)),
        words_(text::load_tokenizer(options_.injection.language)) {}

  QuestionFile file(const std::string& content) {
    folder_.write("questions.jsonl", content);
    return {folder_.path() / "questions.jsonl", *pieces_, *words_, 15};
  }
  std::string refusal(const std::string& content) {
    try {
      static_cast<void>(file(content));
    } catch (const base::FormatError& error) {
      return error.what();
    }
    return "accepted";
  }

  test::TemporaryFolder folder_;
  TrainOptions options_;
  std::unique_ptr<const text::Tokenizer> pieces_, words_;
};

constexpr const char* kRiver =
    R"({"text": "The river ended.", "question": "What <|im_end|>?", "answer": "The river."})";
constexpr const char* kStone =
    R"({"text": "The old stone of the market town is red.", "question": "Which?", "answer": "Red."})";

TEST_F(Questions, APromptIsThatOfANoteAndOnlyTheAnswerIsSaid) {
  const QuestionFile questions = file(std::string(kRiver) + "\n");
  base::Random random(1);
  const Prompt prompt = questions.draw(1, random);
  ASSERT_EQ(prompt.notes, std::vector<const Question*>{prompt.asked});
  const Question& one = *prompt.asked;
  EXPECT_EQ(pieces_->decode(std::vector<text::TokenId>(one.pieces.begin(), one.pieces.end())), "The river ended.");
  EXPECT_EQ(words_->decode(one.words), "The river ended.");
  const text::PromptFrame& frame = text::kAnswerChat;
  EXPECT_EQ(words_->decode_marked(questions.before()), std::string(frame.begin) + "- ");
  EXPECT_EQ(words_->decode_marked(questions.between()), "\n- ");
  const auto& tokens = one.saying.tokens;
  const auto answer = tokens.begin() + static_cast<std::ptrdiff_t>(one.saying.answer);
  EXPECT_EQ(words_->decode_marked(std::vector(tokens.begin(), answer)),
            "\n" + std::string(frame.middle) + "What <|im_end|>?" + std::string(frame.end));
  EXPECT_EQ(words_->decode_marked(std::vector(answer, tokens.end())), "The river.<|im_end|>");
  const text::TokenId end = words_->id_of("<|im_end|>");
  EXPECT_EQ(std::ranges::count(tokens, end), 2) << "a mark in the question is ordinary text";
}

TEST_F(Questions, TheOneThatIsAskedStandsAnywhereAmongOthers) {
  std::string content;
  for (int i = 0; i < 10; ++i) content += std::string(i % 2 == 0 ? kRiver : kStone) + "\n";
  const QuestionFile questions = file(content);
  EXPECT_EQ(questions.size(), 10U);
  base::Random random(3);
  std::set<std::ptrdiff_t> places;
  std::set<const Question*> asked, others;
  for (int i = 0; i < 100; ++i) {
    const Prompt prompt = questions.draw(3, random);
    ASSERT_EQ(prompt.notes.size(), 3U);
    const auto found = std::ranges::find(prompt.notes, prompt.asked);
    ASSERT_NE(found, prompt.notes.end());
    places.insert(found - prompt.notes.begin());
    asked.insert(prompt.asked);
    others.insert(prompt.notes.begin(), prompt.notes.end());
  }
  EXPECT_EQ(places.size(), 3U);
  EXPECT_EQ(asked.size(), 10U);
  EXPECT_EQ(others.size(), 10U);
}

TEST_F(Questions, WhatIsNoQuestionIsRefusedByLine) {
  const std::string good = std::string(kRiver) + "\n";
  EXPECT_THAT(refusal(""), HasSubstr("no question"));
  EXPECT_THAT(refusal(good + "{\n"), HasSubstr("questions.jsonl:2"));
  EXPECT_THAT(refusal("[]\n"), HasSubstr("questions.jsonl:1"));
  EXPECT_THAT(refusal(R"({"text": "a", "question": "b"})"), HasSubstr("\"answer\""));
  EXPECT_THAT(refusal(R"({"text": "a", "question": 3, "answer": "b"})"), HasSubstr("\"question\""));
  EXPECT_THAT(refusal(R"({"text": "", "question": "a", "answer": "b"})"), HasSubstr("\"text\""));
  EXPECT_THAT(refusal(R"({"text": "a b c d e f g h i j k l m n o p q r", "question": "a", "answer": "b"})"),
              HasSubstr("expected 1 to 15"));
  EXPECT_THROW(static_cast<void>(QuestionFile(folder_.path() / "absent", *pieces_, *words_, 15)),
               base::MissingInputError);
}

}  // namespace
}  // namespace larimar::train
