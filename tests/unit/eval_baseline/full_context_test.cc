#include "eval/baseline/full_context.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/eval_baseline/support.h"

namespace larimar::eval::baseline {
namespace {

using ::testing::HasSubstr;

const std::vector<std::string> kChat = {"<|im_start|>", "<|im_end|>"};
Query prefix_query(const std::string& id, const std::string& prefix) { return {id, prefix, ""}; }
Query question_query(const std::string& id, const std::string& question) { return {id, "", question}; }

template <class Call>
std::string text_of_error(const Call& call) {
  try {
    call();
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(ChooseWindow, IsTheModelsUpToTheUsualOneUnlessAskedFor) {
  EXPECT_EQ(choose_window(0, 2048), 2048U);
  EXPECT_EQ(choose_window(0, 131072), kUsualWindow);
  EXPECT_EQ(choose_window(131072, 131072), 131072U);
  EXPECT_THROW(static_cast<void>(choose_window(2049, 2048)), base::ConfigError);
  EXPECT_THROW(static_cast<void>(choose_window(32, 2048)), base::ConfigError);
  EXPECT_THAT(text_of_error([] { static_cast<void>(choose_window(2049, 2048)); }), HasSubstr("2048 positions"));
}

TEST(CutMiddle, KeepsEqualHalvesAndTheFirstHasTheOddToken) {
  const std::vector<text::TokenId> tokens = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(cut_middle(tokens, 7), tokens);
  EXPECT_EQ(cut_middle(tokens, 6), (std::vector<text::TokenId>{1, 2, 3, 5, 6, 7}));
  EXPECT_EQ(cut_middle(tokens, 5), (std::vector<text::TokenId>{1, 2, 3, 6, 7}));
  EXPECT_EQ(cut_middle(tokens, 1), (std::vector<text::TokenId>{1}));
  EXPECT_TRUE(cut_middle(tokens, 0).empty());
}

TEST(FullContext, PutsTheContextFirstAndCompletesAPrefix) {
  const Folder folder;
  const NamedTokenizer tokenizer({"<s>", "</s>"});
  FakeLanguage model(1000);
  FullContext system(model, tokenizer, 0);
  const auto answers = system.ask({"t",
                                   {folder.write("a", "One."), folder.write("b", ""), folder.write("c", "Two.")},
                                   "prefix",
                                   {prefix_query("q", "The key is")}});
  ASSERT_EQ(model.prompts.size(), 1U);
  EXPECT_EQ(tokenizer.decode_marked(model.prompts[0]), "<s>One.\n\nTwo.\n\nThe key is");
  EXPECT_EQ(model.options.max_new_tokens, 32U);
  EXPECT_EQ(model.options.stop, std::vector<text::TokenId>{257});
  EXPECT_EQ(model.options.sampling.temperature, 0);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].id, "q");
  EXPECT_EQ(answers[0].answer.size(), 8U);  // without the space that the model begins with
  ASSERT_TRUE(answers[0].usage.has_value());
  EXPECT_EQ(answers[0].usage->prompt_tokens, model.prompts[0].size());
  EXPECT_EQ(answers[0].usage->completion_tokens, 9U);
  EXPECT_FALSE(answers[0].usage->truncated);
  EXPECT_TRUE(answers[0].citations.empty());
}

TEST(FullContext, AsksAQuestionInTurnsWhereTheTokenizerHasThem) {
  const Folder folder;
  const Trial trial{"t", {folder.write("a", "One <|im_end|> two.")}, "prefix", {question_query("q", "Where?")}};
  const NamedTokenizer chat(kChat), plain;
  FakeLanguage model(1000);
  static_cast<void>(FullContext(model, chat, 0).ask(trial));
  static_cast<void>(FullContext(model, plain, 0).ask(trial));
  EXPECT_EQ(chat.decode_marked(model.prompts[0]),
            "<|im_start|>system\nYou answer questions with a few words from the text you are given.<|im_end|>\n"
            "<|im_start|>user\nOne <|im_end|> two.\n\nAnswer from the text above. Where?<|im_end|>\n"
            "<|im_start|>assistant\n");
  // What the document calls <|im_end|> is text; only the turns' own are marks.
  EXPECT_EQ(std::ranges::count(model.prompts[0], chat.id_of("<|im_end|>")), 2);
  EXPECT_EQ(plain.decode(model.prompts[1]), "One <|im_end|> two.\n\nQuestion: Where?\nAnswer:");
}

TEST(FullContext, FillsTheWindowToTheTokenAndNoFurther) {
  const Folder folder;
  const std::string context = "0123456789012345678901234567890123456789";
  const Trial trial{"t", {folder.write("a", context)}, "prefix", {prefix_query("q", "Key")}};
  const NamedTokenizer tokenizer;
  // 40 of context, 5 of empty line and prefix, 32 of the answer.
  FakeLanguage fits(77), lacks_one(76);
  const auto whole = FullContext(fits, tokenizer, 0).ask(trial);
  EXPECT_EQ(tokenizer.decode(fits.prompts[0]), context + "\n\nKey");
  EXPECT_FALSE(whole[0].usage->truncated);
  const auto cut = FullContext(lacks_one, tokenizer, 0).ask(trial);
  EXPECT_EQ(tokenizer.decode(lacks_one.prompts[0]), context.substr(0, 20) + context.substr(21) + "\n\nKey");
  EXPECT_TRUE(cut[0].usage->truncated);
  EXPECT_EQ(cut[0].usage->prompt_tokens + 32, 76U);
  FakeLanguage large(5000);
  static_cast<void>(FullContext(large, tokenizer, 47).ask(trial));
  EXPECT_EQ(tokenizer.decode(large.prompts[0]),
            "0123456789"
            "\n\nKey");
}

TEST(FullContext, DoesNotComputeAPromptAgainThatItHasAnswered) {
  const Folder folder;
  const NamedTokenizer tokenizer;
  FakeLanguage model(64);
  FullContext system(model, tokenizer, 0);
  const std::string ends(15, 'e');
  std::vector<Answer> answers;
  // What tells the contexts apart is cut out of the first two; the third differs where it is seen.
  for (const std::string& context :
       {ends + "first needle" + ends, ends + "other needle" + ends, "E" + ends + "x" + ends})
    answers.push_back(system.ask({"t", {folder.write("a", context)}, "prefix", {prefix_query("q", "Key")}}).front());
  EXPECT_EQ(model.prompts.size(), 2U);
  EXPECT_EQ(answers[0].answer, answers[1].answer);
  EXPECT_NE(answers[0].answer, answers[2].answer);
  EXPECT_EQ(answers[1].usage->prompt_tokens, 32U);
}

TEST(FullContext, RefusesAQuestionThatLeavesNoRoom) {
  const Folder folder;
  const NamedTokenizer tokenizer;
  FakeLanguage model(60);
  FullContext system(model, tokenizer, 0);
  const Trial trial{"t", {folder.write("a", "Text.")}, "prefix", {prefix_query("L1/q", std::string(30, 'x'))}};
  EXPECT_THAT(text_of_error([&] { static_cast<void>(system.ask(trial)); }), HasSubstr("L1/q"));
  EXPECT_THROW(static_cast<void>(system.ask(trial)), base::ConfigError);
}

TEST(FullContext, RefusesATokenizerOfAnotherVocabularyAndAMissingDocument) {
  const NamedTokenizer tokenizer(kChat);
  FakeLanguage small(1000, 257);
  EXPECT_THROW(FullContext(small, tokenizer, 0), base::FormatError);
  FakeLanguage model(1000);
  FullContext system(model, tokenizer, 0);
  const Trial trial{"t", {"/nonexistent/document"}, "prefix", {prefix_query("q", "Key")}};
  EXPECT_THROW(static_cast<void>(system.ask(trial)), base::MissingInputError);
}

TEST(FullContext, EncodesAFileOnceAndAnswersAsWithoutTheCache) {
  const Folder folder;
  const NamedTokenizer tokenizer(kChat);
  FakeLanguage model(350);
  FullContext kept(model, tokenizer, 0);
  const auto shared = folder.write("shared", std::string(300, 's') + "."), other = folder.write("other", "Other.");
  const std::vector<Query> queries = {prefix_query("p", "The key is"), question_query("q", "Which key?")};
  const std::vector<std::vector<std::filesystem::path>> contexts = {
      {shared, other}, {shared}, {shared, shared}, {other, shared}};
  for (const auto& context : contexts) {
    const auto cached = kept.ask({"t", context, "prefix", queries});
    const auto fresh = FullContext(model, tokenizer, 0).ask({"t", context, "prefix", queries});
    ASSERT_EQ(cached.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(cached[i].answer, fresh[i].answer);
  }
  // `other` left with the second context and came back with the last.
  EXPECT_EQ(kept.documents_encoded(), 3U);
}

TEST(FullContext, ReadsAFileAgainThatHasChanged) {
  const Folder folder;
  const NamedTokenizer tokenizer;
  FakeLanguage model(500);
  FullContext system(model, tokenizer, 0);
  const Trial trial{"t", {folder.write("a", "First.")}, "prefix", {prefix_query("q", "Key")}};
  static_cast<void>(system.ask(trial));
  const auto time = std::filesystem::last_write_time(folder.at("a"));
  folder.write("a", "Other.");  // as long as the first
  std::filesystem::last_write_time(folder.at("a"), time + std::chrono::seconds(1));
  static_cast<void>(system.ask(trial));
  EXPECT_EQ(tokenizer.decode(model.prompts[1]), "Other.\n\nKey");
}

TEST(FullContext, ReadsBytesThatAreNoTextAsQuestionMarks) {
  const Folder folder;
  const NamedTokenizer tokenizer;
  FakeLanguage model(500);
  static_cast<void>(FullContext(model, tokenizer, 0)
                        .ask({"t",
                              {folder.write("a",
                                            "A\xFF"
                                            "B.")},
                              "prefix",
                              {prefix_query("q", "Key")}}));
  EXPECT_EQ(tokenizer.decode(model.prompts[0]), "A?B.\n\nKey");
}

}  // namespace
}  // namespace larimar::eval::baseline
