#include "common/text/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "tests/unit/text/support.h"

namespace larimar::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> sentences(const std::string& text) {
  std::vector<std::string> result;
  for (const Span span : find_sentences(text)) result.push_back(text.substr(span.begin, span.size()));
  return result;
}

TEST(Sentences, EndAtStopsBeforeWhiteSpace) {
  EXPECT_THAT(sentences("The sun rose. Birds sang! Did they? Yes."),
              ElementsAre("The sun rose.", "Birds sang!", "Did they?", "Yes."));
  EXPECT_THAT(sentences("He said \"Go.\" She went."), ElementsAre("He said \"Go.\"", "She went."));
  EXPECT_THAT(sentences("Really?!  (It was.)  End"), ElementsAre("Really?!", "(It was.)", "End"));
  EXPECT_THAT(sentences("It went deep.The water rose."), ElementsAre("It went deep.", "The water rose."));
}

TEST(Sentences, AbbreviationsInitialsAndNumbersGoOn) {
  EXPECT_THAT(sentences("Dr. Smith met J. R. Jones at 3.15 on Main St. They left."),
              ElementsAre("Dr. Smith met J. R. Jones at 3.15 on Main St. They left."));
  EXPECT_THAT(sentences("See No. 7 of vol. 2, e.g. Page 9. Then stop."),
              ElementsAre("See No. 7 of vol. 2, e.g. Page 9.", "Then stop."));
  EXPECT_THAT(sentences("He said no. No. That was it."), ElementsAre("He said no.", "No.", "That was it."));
  EXPECT_THAT(sentences("One ... and two. three"), ElementsAre("One ... and two. three"));
  EXPECT_THAT(sentences("Visit example.org/a.b?c=d now."), ElementsAre("Visit example.org/a.b?c=d now."));
}

TEST(Sentences, LinesListsLogsAndVersesEndAtTheirLineEnd) {
  EXPECT_THAT(sentences("Title\nFirst line\nsecond line\n\n\nthird"),
              ElementsAre("Title", "First line", "second line", "third"));
  EXPECT_THAT(sentences("- milk\n- bread\r\n- salt"), ElementsAre("- milk", "- bread", "- salt"));
  EXPECT_THAT(sentences("Ge1:1 In the beginning was a thing:\nGe1:2 And it grew;\nGe1:3 and was seen."),
              ElementsAre("Ge1:1 In the beginning was a thing:", "Ge1:2 And it grew;", "Ge1:3 and was seen."));
  EXPECT_THAT(sentences("12:00:01 INFO up\n12:00:02 WARN a.b.c slow\n"),
              ElementsAre("12:00:01 INFO up", "12:00:02 WARN a.b.c slow"));
}

TEST(Sentences, HardWrappedProseGoesOnOverLineEnds) {
  const std::string text =
      "The boat had drifted all night without a light and the two men\n"
      "were tired. They had eaten nothing since the harbour, and the\n"
      "wind would not turn, so that the younger one began to speak of\n"
      "home. Nobody answered him until the morning came over the hill\n"
      "and the coast was there.\n\nA new part begins here.";
  const auto found = sentences(text);
  ASSERT_EQ(found.size(), 4U);
  EXPECT_EQ(found[0], "The boat had drifted all night without a light and the two men\nwere tired.");
  EXPECT_EQ(found[2].substr(0, 21), "Nobody answered him u");
  EXPECT_EQ(found[3], "A new part begins here.");
}

TEST(Sentences, NothingInWhiteSpace) {
  EXPECT_THAT(sentences(""), IsEmpty());
  EXPECT_THAT(sentences(std::string(5000, ' ')), IsEmpty());
  EXPECT_THAT(sentences(" \n\t\r\n \v\f "), IsEmpty());
}

TEST(Sentences, OnlyPunctuationStays) {
  EXPECT_THAT(sentences("..."), ElementsAre("..."));
  EXPECT_THAT(sentences("?! ... !!"), ElementsAre("?!", "...", "!!"));
}

TEST(Sentences, SpansAreInOrderTrimmedAndCoverAllButWhiteSpace) {
  base::Random random(3);
  for (int round = 0; round < 300; ++round) {
    const std::string text =
        round % 3 == 0 ? test::random_bytes(random.below(400), random) : test::random_text(random.below(60), random);
    std::size_t at = 0;
    for (const Span span : find_sentences(text)) {
      ASSERT_LT(span.begin, span.end);
      ASSERT_LE(span.end, text.size());
      ASSERT_GE(span.begin, at);
      EXPECT_EQ(text.substr(at, span.begin - at).find_first_not_of(" \t\n\v\f\r"), std::string::npos)
          << "round " << round;
      EXPECT_EQ(std::string(" \t\n\v\f\r").find(text[span.begin]), std::string::npos);
      EXPECT_EQ(std::string(" \t\n\v\f\r").find(text[span.end - 1]), std::string::npos);
      at = span.end;
    }
    EXPECT_EQ(text.substr(at).find_first_not_of(" \t\n\v\f\r"), std::string::npos) << "round " << round;
  }
}

TEST(Sentences, AMegabyteOfAnythingTakesLinearTime) {
  const std::size_t size = std::size_t{1} << 20;
  std::string closers, stops_and_spaces;
  while (closers.size() < size) closers += ".)))";
  while (stops_and_spaces.size() < size) stops_and_spaces += ".   a ";
  const std::string texts[] = {std::string(size, 'a'),
                               std::string(size, '.') + "x",
                               std::string(size, ')'),
                               closers,
                               stops_and_spaces,
                               std::string(size, '.') + " x",
                               "a." + std::string(size, ')') + "x",
                               "a." + std::string(size, ' ') + "x",
                               std::string(size, '\n')};
  const base::Stopwatch watch;
  for (const std::string& text : texts) (void)find_sentences(text);
  EXPECT_LT(watch.seconds(), 10.0);  // quadratic time would be hours
}

}  // namespace
}  // namespace larimar::text
