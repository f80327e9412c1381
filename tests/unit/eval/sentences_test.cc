#include "eval/sentences.h"

#include <gmock/gmock.h>

#include <string>

namespace larimar::eval {
namespace {

/// The text with a mark at every inner boundary.
std::string marked(const std::string& text) {
  std::string result;
  const std::vector<std::size_t> boundaries = sentence_boundaries(text);
  for (std::size_t i = 1; i < boundaries.size(); ++i) {
    result += text.substr(boundaries[i - 1], boundaries[i] - boundaries[i - 1]);
    if (i + 1 < boundaries.size()) result += "|";
  }
  return result;
}

TEST(SentenceBoundaries, StandBehindTheWhiteSpaceThatEndsASentence) {
  EXPECT_EQ(marked("One. Two!  \"Three?\" (Four.) Five"), "One. |Two!  |\"Three?\" |(Four.) |Five");
  EXPECT_EQ(marked("A line.\nNext line. 7 more"), "A line.\n|Next line. |7 more");
}

TEST(SentenceBoundaries, StandBetweenParagraphsWithoutFullStop) {
  EXPECT_EQ(marked("A title\n\nthe text"), "A title\n\n|the text");
}

TEST(SentenceBoundaries, AreNotInsideSentencesNumbersAndNames) {
  for (const std::string text : {"Dr. Smith met J. Doe, i.e. Nobody vs. Everybody", "about 3.5 apples", "what? he said",
                                 "end.Start", "a hard\nwrapped Line", "etc. Other", "Press, p. 166"}) {
    EXPECT_EQ(marked(text), text);
  }
}

TEST(SentenceBoundaries, AreNeverInsideACharacter) { EXPECT_EQ(marked("Été. Über alles. É"), "Été. |Über alles. |É"); }

TEST(SentenceBoundaries, AlwaysHoldBothEnds) {
  EXPECT_THAT(sentence_boundaries(""), testing::ElementsAre(0));
  EXPECT_THAT(sentence_boundaries(" \n"), testing::ElementsAre(0, 2));
  EXPECT_THAT(sentence_boundaries("word"), testing::ElementsAre(0, 4));
  EXPECT_THAT(sentence_boundaries("\n\nword. "), testing::ElementsAre(0, 8));
}

TEST(NearestBoundary, TakesTheLowerOfTwo) {
  EXPECT_EQ(nearest_boundary({0, 10, 20}, 14.9), 10U);
  EXPECT_EQ(nearest_boundary({0, 10, 20}, 15), 10U);
  EXPECT_EQ(nearest_boundary({0, 10, 20}, 15.1), 20U);
}

}  // namespace
}  // namespace larimar::eval
