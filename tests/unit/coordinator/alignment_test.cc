#include "coordinator/alignment.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/text/unicode.h"

namespace larimar::coordinator {
namespace {

std::string answer(std::string_view prefix, std::string_view decoded) {
  const Completion completion = complete_prefix(prefix, decoded);
  EXPECT_TRUE(completion.found) << "similarity " << completion.similarity;
  return completion.text;
}

TEST(CompletePrefix, AtTheStartInTheMiddleAndAtTheEnd) {
  EXPECT_EQ(answer("The pass key is", "The pass key is 51423."), "51423.");
  EXPECT_EQ(answer("The pass key is", "It rained. The pass key is 51423. Then"), "51423. Then");
  EXPECT_EQ(answer("The pass key is", "The pass key is"), "");
  EXPECT_EQ(complete_prefix("The pass key is", "So: The pass key is 5").similarity, 1.0);
}

TEST(CompletePrefix, AFewCharactersMayDiffer) {
  EXPECT_EQ(answer("The pass key of the red door is", "The pass key of the rad door is 51423."), "51423.");
  EXPECT_EQ(answer("The pass key of the red door is", "Yes. The pss key off the red door is 51423."), "51423.");
  EXPECT_DOUBLE_EQ(complete_prefix("abcdefghij", "__abcdeXghij 7").similarity, 0.9);
}

TEST(CompletePrefix, ADifferenceInTheLastWordCutsNoWord) {
  EXPECT_EQ(answer("The pass key is", "The pass key iz 51423."), "51423.");
  EXPECT_EQ(answer("The pass key was", "The pass key is 51423."), "51423.");
}

TEST(CompletePrefix, APrefixMayEndInsideAWordOrANumber) {
  EXPECT_EQ(answer("The best thing in San Fran", "The best thing in San Francisco is"), "cisco is");
  EXPECT_EQ(answer("The pass key is 5", "The pass key is 51423."), "1423.");
}

TEST(CompletePrefix, WhiteSpaceCountsAsOneSpace) {
  EXPECT_EQ(answer(" The pass\nkey  is ", "The  pass key\n\n is\t 51423. \n"), "51423.");
  EXPECT_EQ(answer("pass\xC2\xA0key", "The pass key is"), "is");
}

TEST(CompletePrefix, OfTwoEqualPlacesTheFirst) {
  EXPECT_EQ(answer("the key is", "the key is 1, the key is 2"), "1, the key is 2");
  EXPECT_EQ(answer("the key is", "the kez is 1, the kex is 2"), "1, the kex is 2");
}

TEST(CompletePrefix, AnExactPlaceWinsOverAnEarlierNearOne) {
  EXPECT_EQ(answer("the key is", "the kex is 1, the key is 2"), "2");
}

TEST(CompletePrefix, UnrelatedTextIsNotFoundAndStaysWhole) {
  const std::string decoded = " Ships left the harbour before the storm came. ";
  const Completion completion = complete_prefix("The pass key of the red door is", decoded);
  EXPECT_FALSE(completion.found);
  EXPECT_EQ(completion.text, decoded);
  EXPECT_LT(completion.similarity, 1.0 - kMostDifference);
}

TEST(CompletePrefix, TheLimitItselfIsFound) {
  EXPECT_TRUE(complete_prefix("abcdefghij", "abcdef").found);
  EXPECT_FALSE(complete_prefix("abcdefghij", "abcde").found);
}

TEST(CompletePrefix, EmptyTexts) {
  EXPECT_FALSE(complete_prefix("The pass key", "").found);
  EXPECT_EQ(complete_prefix("The pass key", "").similarity, 0.0);
  EXPECT_EQ(answer(" ", " all of it "), "all of it");
  EXPECT_EQ(answer("", ""), "");
}

TEST(CompletePrefix, AHugePrefixCostsNothing) {
  EXPECT_FALSE(complete_prefix(std::string(std::size_t{1} << 20, 'a'), std::string(500, 'b')).found);
}

TEST(CompletePrefix, ACutNeverSplitsACodePoint) {
  EXPECT_EQ(answer("Der Schl\xC3\xBCssel hei\xC3\x9Ft",
                   "Der Schl\xC3\xB6ssel hei\xC3\x9Ft \xC3\xBC"
                   "5"),
            "\xC3\xBC"
            "5");
  // The last character differs in one byte only.
  EXPECT_EQ(answer("0123456789\xC3\xA9", "0123456789\xC3\xA8 x"), "x");
  const std::vector<std::string> pieces = {"a", "b", " ", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
  base::Random random(7);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string prefix;
    std::string decoded;
    for (int i = 0; i < 6; ++i) prefix += pieces[random.below(pieces.size())];
    for (int i = 0; i < 12; ++i) decoded += pieces[random.below(pieces.size())];
    EXPECT_EQ(text::find_invalid_utf8(complete_prefix(prefix, decoded).text), std::string::npos);
  }
}

TEST(CompletePrefix, BrokenUtf8OfAModelIsNoTrouble) {
  EXPECT_EQ(answer("The pass key is", "\xFF The pass \xC3 key is 5\xE2\x82"), "5\xE2\x82");
}

/// Edit distance of two whole strings by the full table.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> table(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        table[i][j] = i + j;
        continue;
      }
      table[i][j] =
          std::min({table[i - 1][j] + 1, table[i][j - 1] + 1, table[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
    }
  }
  return table[a.size()][b.size()];
}

/// Least distance of the prefix to any piece of the decoded text, piece by piece.
std::size_t least_distance(const std::string& prefix, const std::string& decoded) {
  std::size_t least = prefix.size();
  for (std::size_t begin = 0; begin < decoded.size(); ++begin) {
    for (std::size_t size = 1; size <= decoded.size() - begin; ++size)
      least = std::min(least, distance(prefix, decoded.substr(begin, size)));
  }
  return least;
}

TEST(CompletePrefix, TheCostIsTheLeastOverAllPieces) {
  base::Random random(11);
  const auto word = [&](std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>('a' + random.below(3));
    return text;
  };
  for (int trial = 0; trial < 300; ++trial) {
    const std::string prefix = word(8);
    const std::string decoded = word(14);
    const double least = static_cast<double>(least_distance(prefix, decoded));
    const Completion completion = complete_prefix(prefix, decoded);
    EXPECT_DOUBLE_EQ(completion.similarity, 1.0 - least / 8.0) << prefix << " in " << decoded;
    EXPECT_EQ(completion.found, least <= 3.2);
  }
}

}  // namespace
}  // namespace larimar::coordinator
