#include "common/text/segmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/text/unicode.h"
#include "tests/unit/text/support.h"

namespace larimar::text {
namespace {

using test::compact_tokenizer;
using ::testing::ElementsAre;

constexpr std::string_view kWhite = " \t\n\v\f\r";

/// Everything that the header promises of any text.
void check(std::string_view block, const SegmentRules& rules) {
  std::size_t at = 0;
  for (const Segment& segment : cut_segments(block, compact_tokenizer(), rules)) {
    ASSERT_LT(segment.span.begin, segment.span.end);
    ASSERT_LE(segment.span.end, block.size());
    ASSERT_GE(segment.span.begin, at);
    ASSERT_EQ(block.substr(at, segment.span.begin - at).find_first_not_of(kWhite), std::string_view::npos);
    at = segment.span.end;
    const std::string_view original = block.substr(segment.span.begin, segment.span.size());
    ASSERT_EQ(kWhite.find(original.front()), std::string_view::npos);
    ASSERT_EQ(kWhite.find(original.back()), std::string_view::npos);
    ASSERT_EQ(find_invalid_utf8(segment.text), std::string::npos) << "cut inside a code point";
    ASSERT_GE(segment.tokens.size(), 1U);
    ASSERT_LE(segment.tokens.size(), rules.max_tokens);
    ASSERT_EQ(segment.tokens, compact_tokenizer().encode(segment.text));
    ASSERT_FALSE(segment.sentences.empty());
    ASSERT_EQ(segment.sentences.front().begin, 0U);
    ASSERT_EQ(segment.sentences.back().end, segment.text.size());
    for (std::size_t i = 0; i < segment.sentences.size(); ++i) {
      ASSERT_LT(segment.sentences[i].begin, segment.sentences[i].end);
      if (i == 0) continue;
      ASSERT_EQ(segment.sentences[i].begin, segment.sentences[i - 1].end + 1);
      ASSERT_EQ(segment.text[segment.sentences[i - 1].end], ' ');
    }
    // Only glued sentences ("deep.The") may gain a space that the block has not.
    std::string bare_text = segment.text, bare_block(original);
    std::erase_if(bare_text, [](char c) { return kWhite.find(c) != std::string_view::npos; });
    std::erase_if(bare_block, [](char c) { return kWhite.find(c) != std::string_view::npos; });
    ASSERT_EQ(bare_text, bare_block);
  }
  ASSERT_EQ(block.substr(at).find_first_not_of(kWhite), std::string_view::npos);
}

std::string repeat(const std::string& text, std::size_t bytes) {
  std::string result;
  while (result.size() < bytes) result += text;
  return result;
}

const std::vector<SegmentRules>& all_rules() {
  static const std::vector<SegmentRules> kRules{{},
                                                {SegmentForm::kWindow, 63, 6},
                                                {SegmentForm::kSentence, 4, 2},
                                                {SegmentForm::kWindow, 15, 6},
                                                {SegmentForm::kSentence, 255, 40}};
  return kRules;
}

TEST(Segmenter, KeepsItsPromisesForRandomTexts) {
  base::Random random(5);
  for (const SegmentRules& rules : all_rules()) {
    for (int round = 0; round < 40; ++round) {
      ASSERT_NO_FATAL_FAILURE(check(test::random_text(random.below(120), random), rules))
          << "round " << round << ", max " << rules.max_tokens;
    }
  }
}

TEST(Segmenter, KeepsItsPromisesForUnusualTexts) {
  std::string letters;
  base::Random random(6);
  for (int i = 0; i < 12000; ++i) letters += static_cast<char>('a' + random.below(26));
  const std::vector<std::string> texts{"",
                                       " ",
                                       std::string(5000, ' '),
                                       "a" + std::string(5000, ' ') + "b",
                                       repeat("a" + std::string(5000, ' '), 400000),
                                       letters,
                                       std::string(9000, '-'),
                                       std::string(9000, '.'),
                                       std::string(9000, '.') + "x",
                                       std::string(9000, '!') + " ?" + std::string(500, ')'),
                                       repeat("東京タワーは高い", 9000),
                                       repeat("😀", 9000),
                                       "ab" + repeat("é", 9001),
                                       repeat("नमस्ते ", 6000),
                                       repeat("12:00:01 WARN a.b.c slow=17\n", 6000),
                                       repeat("- item, (one); two: three\n", 6000),
                                       repeat("Dr. No. 5 vs. Mr. J. Smith etc. ", 6000),
                                       repeat("word ", 9000),
                                       repeat("word, and another; ", 9000),
                                       std::string(3000, '\n') + "x",
                                       "x" + std::string(4031, ' ') + repeat("é", 200) + repeat(" wider words", 3000),
                                       repeat("a" + std::string(70, ' '), 9000)};
  for (const SegmentRules& rules : all_rules()) {
    for (const std::string& text : texts)
      ASSERT_NO_FATAL_FAILURE(check(text, rules)) << text.substr(0, 40) << ", max " << rules.max_tokens;
  }
}

TEST(Segmenter, AMegabyteOnOneLineTakesSeconds) {
#ifdef __SANITIZE_ADDRESS__
  const std::size_t size = std::size_t{1}
                           << 15;  // an instrumented build is far slower; the release build takes the megabyte
#else
  const std::size_t size = std::size_t{1} << 20;
#endif
  std::string letters, words;
  base::Random random(8);
  while (letters.size() < size) letters += static_cast<char>('a' + random.below(26));
  while (words.size() < size)
    words += std::string(1 + random.below(9), static_cast<char>('a' + random.below(26))) + " ";
  for (const std::string& text : {letters, words, std::string(size, '.') + "x", repeat("東京", size)}) {
    const base::Stopwatch watch;
    EXPECT_GT(cut_segments(text, compact_tokenizer(), {}).size(), 200U);
    EXPECT_LT(watch.seconds(), 30.0) << text.substr(0, 20);  // about 2 s on one core; quadratic time would be hours
  }
}

std::vector<std::string> texts_of(const std::string& block, const SegmentRules& rules) {
  std::vector<std::string> texts;
  for (const Segment& segment : cut_segments(block, compact_tokenizer(), rules)) texts.push_back(segment.text);
  return texts;
}

TEST(Segmenter, ASentenceIsASegment) {
  const std::string first = "The captain carried a letter to the winter market.",
                    second = "Nobody in the yellow house had ever read it.";
  EXPECT_THAT(texts_of(first + "  " + second + "\n", {}), ElementsAre(first, second));
}

TEST(Segmenter, ShortSentencesJoinTheFullOneBefore) {
  const std::string longer = "The captain carried a letter to the winter market.";
  EXPECT_THAT(texts_of(longer + " No. Yes. " + longer, {}), ElementsAre(longer + " No. Yes.", longer));
  // A list of short lines is not swallowed whole: behind the first few the rest go together.
  const auto list = texts_of(longer + "\nA red hat.\nA blue hat.\nA grey hat.\nA green hat.\nA black hat.\n", {});
  EXPECT_GT(list.size(), 1U);
  EXPECT_EQ(list.front(), longer + " A red hat. A blue hat.");
}

TEST(Segmenter, ShortSentencesJoinTheNextOneWhereNoneIsBefore) {
  const std::string longer = "The captain carried a letter to the winter market.";
  EXPECT_THAT(texts_of("No. Yes.   " + longer, {}), ElementsAre("No. Yes. " + longer));
  const auto segments = cut_segments("No. Yes.   " + longer, compact_tokenizer(), {});
  EXPECT_THAT(segments[0].sentences, ElementsAre(Span{0, 3}, Span{4, 8}, Span{9, 9 + longer.size()}));
  EXPECT_EQ(segments[0].span, (Span{0, 11 + longer.size()}));
}

TEST(Segmenter, WindowsAreFilledWithWholeSentences) {
  std::string block;
  for (int i = 0; i < 40; ++i) block += "Sentence " + std::to_string(i) + " speaks of the river. ";
  const auto segments = cut_segments(block, compact_tokenizer(), {SegmentForm::kWindow, 63, 6});
  EXPECT_LE(segments.size(), 10U);
  // A sentence counts one token more when joined: its first piece gains a space.
  const auto cost = [](const Segment& segment, std::size_t i) {
    const Span span = segment.sentences[i];
    return compact_tokenizer().encode(segment.text.substr(span.begin, span.size())).size() + 1;
  };
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    std::size_t tokens = cost(segments[i + 1], 0) - 1;
    for (std::size_t k = 0; k < segments[i].sentences.size(); ++k) tokens += cost(segments[i], k);
    EXPECT_GT(tokens, 63U) << "another sentence would have fitted into window " << i;
    for (const Span span : segments[i].sentences) EXPECT_EQ(segments[i].text[span.end - 1], '.');
  }
}

TEST(Segmenter, ALongSentenceIsCutAtAClauseEnd) {
  std::string sentence =
      "The old man who lived by the river had a boat and a dog and a garden with a wall around it and never spoke of "
      "his brother, ";
  sentence +=
      "who had left the town many years before and was said to be rich and to own three houses and a ship in the south "
      "of the country.";
  const auto texts = texts_of(sentence, {SegmentForm::kSentence, 48, 6});
  ASSERT_EQ(texts.size(), 2U);
  EXPECT_TRUE(texts[0].ends_with("his brother,")) << texts[0];
}

TEST(Segmenter, WhiteSpaceIsCollapsedAndTheSpanKeepsTheOriginal) {
  const std::string block = "  \n The  captain\tcarried \n a letter to the  market.  ";
  const auto segments = cut_segments("The  captain\tcarried   a letter to the  market.  ", compact_tokenizer(), {});
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments[0].text, "The captain carried a letter to the market.");
  EXPECT_EQ(segments[0].span, (Span{0, 47}));
  EXPECT_EQ(cut_segments(block, compact_tokenizer(), {})[0].span.begin, 4U);
}

TEST(CutBlocks, EndAtLineEndsAndLoseNothingElse) {
  EXPECT_TRUE(cut_blocks("").empty());
  EXPECT_THAT(cut_blocks("one\ntwo"), ElementsAre("one\ntwo"));
  const std::string line(999, 'x'), last(200000, 'y');
  std::string text, joined;
  for (int i = 0; i < 200; ++i) text += line + "\n";
  text += last;
  const auto blocks = cut_blocks(text);
  ASSERT_EQ(blocks.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(blocks[i].size() % 1000, 999U) << "cut inside a line";
  for (const std::string_view block : blocks) joined += (joined.empty() ? "" : "\n") + std::string(block);
  EXPECT_EQ(joined, text);
}

TEST(CollapseWhiteSpace, RunsBecomeOneSpaceAndEndsAreCut) {
  EXPECT_EQ(collapse_white_space(" \t a \n\n b\r\nc  "), "a b c");
  EXPECT_EQ(collapse_white_space("   "), "");
  EXPECT_EQ(collapse_white_space(""), "");
}

TEST(FirstWords, AreAPrefixOfTheText) {
  EXPECT_EQ(first_words("one  two three", 2), "one  two");
  EXPECT_EQ(first_words("one two", 5), "one two");
  EXPECT_EQ(first_words("", 3), "");
  EXPECT_EQ(first_words(" one two", 1), " one");
}

}  // namespace
}  // namespace larimar::text
