#include "eval/baseline/segments.h"

#include <gtest/gtest.h>

#include "tests/unit/eval_baseline/support.h"

namespace larimar::eval::baseline {
namespace {

constexpr text::SegmentRules kRules{.max_tokens = 200, .min_tokens = 1};

TEST(Passages, AreTheSegmentsOfTheDocumentsWithTheirPlaces) {
  const Folder folder;
  const support::ByteTokenizer tokenizer;
  PassageMaker maker(tokenizer, kRules);
  const std::string text = "The first sentence.\n\n  The second\tone is here.\nThe third.\n";
  const std::vector<std::filesystem::path> documents = {folder.write("a", text), folder.write("b", ""),
                                                        folder.write("c", "Another document.")};
  const ContextPassages context = maker.of(documents);
  ASSERT_EQ(context.size(), 4U);
  EXPECT_EQ(context[1].text, "The second one is here.");
  EXPECT_EQ(text.substr(context[1].byte_begin, context[1].byte_end - context[1].byte_begin),
            "The second\tone is here.");
  EXPECT_EQ(context[0].line, 1U);
  EXPECT_EQ(context[1].line, 3U);
  EXPECT_EQ(context[2].line, 4U);
  EXPECT_EQ(context[3].text, "Another document.");
  EXPECT_EQ(context.place(3).document, 2U);
  EXPECT_EQ(context.place(3).passage, 0U);
  EXPECT_EQ(context.begin_of(2), 3U);
}

// Longer than a block: places go on over its borders.
TEST(Passages, OfALongDocumentKeepTheirBytesAndLines) {
  const Folder folder;
  const support::ByteTokenizer tokenizer;
  PassageMaker maker(tokenizer, kRules);
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "Room " + std::to_string(i) + " has a lamp in its corner.\n\n";
  const std::vector<std::filesystem::path> documents = {folder.write("long", text)};
  const ContextPassages context = maker.of(documents);
  ASSERT_EQ(context.size(), 2000U);
  for (std::size_t i = 0; i < context.size(); ++i) {
    const Passage& passage = context[i];
    ASSERT_EQ(text.substr(passage.byte_begin, passage.byte_end - passage.byte_begin), passage.text);
    ASSERT_EQ(passage.line, 2 * i + 1);
  }
}

TEST(Passages, ReadBytesThatAreNoTextAsQuestionMarks) {
  const Folder folder;
  const support::ByteTokenizer tokenizer;
  PassageMaker maker(tokenizer, kRules);
  const std::vector<std::filesystem::path> documents = {folder.write("a", "A \xFF\xFE lamp.")};
  const ContextPassages context = maker.of(documents);
  ASSERT_EQ(context.size(), 1U);
  EXPECT_EQ(context[0].text, "A ?? lamp.");
  EXPECT_EQ(context[0].byte_end, 10U);
}

TEST(Passages, AreCutAgainOnlyWhereAFileChanged) {
  const Folder folder;
  const support::ByteTokenizer tokenizer;
  PassageMaker maker(tokenizer, kRules);
  const std::vector<std::filesystem::path> documents = {folder.write("a", "One."), folder.write("b", "Two.")};
  const ContextPassages before = maker.of(documents);
  const std::uint64_t first = before.documents()[0]->serial, second = before.documents()[1]->serial;
  EXPECT_NE(first, second);
  folder.write("b", "Three.");
  const ContextPassages after = maker.of(documents);
  EXPECT_EQ(after.documents()[0]->serial, first);
  EXPECT_NE(after.documents()[1]->serial, second);
  EXPECT_EQ(after[1].text, "Three.");
}

TEST(Passages, OfAMissingDocumentAreRefused) {
  const support::ByteTokenizer tokenizer;
  PassageMaker maker(tokenizer, kRules);
  const std::vector<std::filesystem::path> documents = {"/nonexistent/document"};
  EXPECT_THROW(static_cast<void>(maker.of(documents)), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::eval::baseline
