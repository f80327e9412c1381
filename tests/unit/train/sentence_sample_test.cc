#include "train/sentence_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/error.h"
#include "tests/support/temporary_text.h"

namespace larimar::train {
namespace {

std::string sentence(int number, int words) {
  std::string text = "Sentence";
  for (int i = 1; i < words; ++i) text += " w" + std::to_string(number) + "x" + std::to_string(i);
  return text + ".";
}

std::size_t words_in(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, ' ')) + 1; }

TEST(SentenceSample, TakesTheSameNumberOfEachFileAndCutsSomeOfTheLongOnes) {
  const support::TemporaryText files;
  std::string many, few;
  for (int i = 0; i < 500; ++i) many += sentence(i, 3 + i % 30) + "\n";
  for (int i = 500; i < 510; ++i) few += sentence(i, 5) + "\n";
  files.write("a.txt", few);
  files.write("b.txt", many);
  const std::vector<std::string> drawn = sample_sentences(files.folder(), 200, 7);
  ASSERT_EQ(drawn.size(), 200U) << "what one file has not, the next gives";
  EXPECT_EQ(drawn, sample_sentences(files.folder(), 200, 7));
  EXPECT_NE(drawn, sample_sentences(files.folder(), 200, 8));
  std::size_t cut = 0;
  for (const std::string& text : drawn) {
    EXPECT_GE(words_in(text), 3U);
    EXPECT_LE(words_in(text), 40U);
    EXPECT_NE((few + many).find(text), std::string::npos) << text;
    if (text.starts_with("Sentence") && text.ends_with(".")) continue;
    ++cut;
    EXPECT_GE(words_in(text), 4U);
    EXPECT_LE(words_in(text), 14U);
  }
  EXPECT_GT(cut, 40U);
  EXPECT_LT(cut, 110U);
}

TEST(SentenceSample, LeavesOutWhatIsTooShortOrTooLong) {
  const support::TemporaryText files;
  files.write("a.txt", sentence(1, 2) + "\n" + sentence(2, 41) + "\n" + sentence(3, 3) + "\n");
  EXPECT_THAT(sample_sentences(files.folder(), 10, 1), testing::ElementsAre(sentence(3, 3)));
  EXPECT_THROW((void)sample_sentences(files.folder() / "absent", 10, 1), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::train
