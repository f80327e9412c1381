#include "common/text/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "common/base/random.h"
#include "tests/support/temporary_text.h"

namespace larimar::text {
namespace {

namespace fs = std::filesystem;

std::string lines_of(std::size_t bytes, std::size_t length, const std::string& end) {
  std::string text;
  while (text.size() < bytes) text += std::string(length, 'a') + end;
  return text;
}

std::vector<std::string> odd_texts() {
  return {support::random_prose(30'000, 1), std::string(30'000, 'x'),        std::string(30'000, '\n'),
          lines_of(30'000, 70, "\r\n"),     lines_of(30'000, 1, "\n\n"),     lines_of(50'000, 9'000, "\n"),
          lines_of(60'000, 20'000, "\n\n"), std::string(29'999, 'x') + "\n", "\n\n" + std::string(20'000, 'x'),
          lines_of(30'000, 4'094, "\n"),    lines_of(30'000, 4'095, "\n\n")};
}

TEST(BlockStart, IsMonotoneStaysInTheDocumentAndNeverLooksBack) {
  for (const std::string& text : odd_texts()) {
    std::uint64_t before = 0;
    for (std::uint64_t nominal = 0; nominal < text.size() + 10; nominal += 1 + nominal % 7) {
      const std::uint64_t start = block_start(text, nominal);
      ASSERT_GE(start, before) << "nominal " << nominal;
      ASSERT_GE(start, std::min<std::uint64_t>(nominal, text.size()));
      ASSERT_LE(start, text.size());
      ASSERT_TRUE(start == 0 || start == text.size() || text[start - 1] == '\n') << "a block starts within a line";
      before = start;
    }
  }
}

TEST(BlockStart, PrefersAParagraphToALine) {
  EXPECT_EQ(block_start("one\ntwo\n\nthree\n", 2), 9U);
  EXPECT_EQ(block_start("one\ntwo\nthree\n", 2), 4U);
  EXPECT_EQ(block_start("one\ntwo\nthree\n", 4), 4U) << "a line that starts right there counts";
  EXPECT_EQ(block_start("one\ntwo\nthree\n", 0), 0U);
  EXPECT_EQ(block_start("one", 1), 3U);
  EXPECT_EQ(block_start("one", 99), 3U);
  const std::string far = "one\n" + std::string(5000, 'x') + "\n\nend";
  EXPECT_EQ(block_start(far, 1), 4U) << "a paragraph beyond the window is too far";
}

TEST(BlockStarts, EqualsBlockStartForRisingPositions) {
  base::Random random(3);
  for (const std::string& text : odd_texts()) {
    for (const std::uint64_t step : {1U, 700U, 5'000U}) {
      BlockStarts starts(text);
      for (std::uint64_t nominal = 0; nominal < text.size() + 10; nominal += 1 + random.below(step)) {
        ASSERT_EQ(starts.find(nominal), block_start(text, nominal)) << "nominal " << nominal << " of " << text.size();
      }
    }
  }
}

std::string refusal(const std::vector<fs::path>& paths) {
  try {
    const Corpus corpus(paths);
  } catch (const base::Error& error) {
    return std::to_string(static_cast<int>(error.code())) + " " + error.what();
  }
  return "accepted";
}

TEST(Corpus, BlocksTileEveryDocument) {
  const support::TemporaryText files;
  const std::string exact(2 * kBlockBytes, 'x');
  const Corpus corpus(std::vector{files.write("b.txt", exact), files.write("a.txt", exact + "y")});
  ASSERT_EQ(corpus.documents().size(), 2U);
  EXPECT_EQ(corpus.documents()[0].path.filename(), "b.txt") << "files stay in the order given";
  EXPECT_EQ(corpus.bytes(), 4 * kBlockBytes + 1);
  ASSERT_EQ(corpus.blocks().size(), 5U);
  std::uint64_t at = 0;
  for (const BlockRef& block : corpus.blocks()) {
    if (block.begin == 0) at = 0;
    EXPECT_EQ(block.begin, at);
    EXPECT_GT(block.end, block.begin);
    at = block.end;
  }
  EXPECT_EQ(at, 2 * kBlockBytes + 1);
}

TEST(Corpus, AFolderStandsForItsFilesInNameOrder) {
  const support::TemporaryText files;
  files.write("b.txt", "b");
  files.write("a.md", "a");
  files.write(".hidden", "h");
  files.write("empty.txt", "");
  fs::create_directory(files.folder() / "below");
  const Corpus corpus(std::vector{files.folder()});
  ASSERT_EQ(corpus.documents().size(), 2U);
  EXPECT_EQ(corpus.documents()[0].path, files.folder() / "a.md");
  EXPECT_EQ(corpus.documents()[1].path, files.folder() / "b.txt");
}

TEST(Corpus, RefusesWhatCannotBeReadByName) {
  const support::TemporaryText files;
  const fs::path good = files.write("good.txt", "text"), empty = files.write("empty.txt", "");
  fs::create_directory(files.folder() / "bare");
  EXPECT_THAT(refusal({}), testing::StartsWith("2 no context"));
  EXPECT_THAT(refusal({good, files.folder() / "no.txt"}),
              testing::AllOf(testing::StartsWith("66 "), testing::HasSubstr("no.txt does not exist")));
  EXPECT_THAT(refusal({good, empty}),
              testing::AllOf(testing::StartsWith("66 "), testing::HasSubstr("empty.txt is empty")));
  EXPECT_THAT(refusal({files.folder() / "bare"}),
              testing::AllOf(testing::StartsWith("66 "), testing::HasSubstr("holds no file")));
  EXPECT_EQ(refusal({good}), "accepted");
}

}  // namespace
}  // namespace larimar::text
