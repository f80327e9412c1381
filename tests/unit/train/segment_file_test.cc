#include "train/segment_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/text/tokenizer.h"
#include "tests/unit/train/support.h"

namespace larimar::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::vector<std::uint16_t>> kSegments{{5, 6, 7}, {8}, {65535, 9}};

class SegmentFileTest : public ::testing::Test {
 protected:
  SegmentFile open(const std::string& bytes) const { return SegmentFile(folder_.write("x.segments", bytes)); }
  std::string fault(const std::string& bytes) const {
    try {
      (void)open(bytes);
    } catch (const base::FormatError& error) {
      return error.what();
    }
    return "no FormatError";
  }
  test::TemporaryFolder folder_;
};

TEST_F(SegmentFileTest, ReadsTheGrammar) {
  const SegmentFile file = open(test::segment_file_bytes(kSegments));
  ASSERT_EQ(file.size(), 3U);
  EXPECT_EQ(file.tokens(), 6U);
  EXPECT_THAT(file[0], ElementsAre(5, 6, 7));
  EXPECT_THAT(file[1], ElementsAre(8));
  EXPECT_THAT(file[2], ElementsAre(65535, 9));
  EXPECT_EQ(open(test::segment_file_bytes({})).size(), 0U);
}

TEST_F(SegmentFileTest, EveryTruncationAndAnyExtraByteIsRefused) {
  const std::string bytes = test::segment_file_bytes(kSegments);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(fault(bytes.substr(0, size)), HasSubstr("x.segments is ")) << size;
  }
  EXPECT_THAT(fault(bytes + "x"), HasSubstr("cut short or too long"));
  EXPECT_THAT(fault("LRMSEG02" + bytes.substr(8)), HasSubstr("not a segment file of this version"));
  EXPECT_THROW(SegmentFile(folder_.path() / "absent"), base::MissingInputError);
}

TEST_F(SegmentFileTest, ADamagedIndexIsRefused) {
  const std::string bytes = test::segment_file_bytes(kSegments);
  const auto with = [&](std::size_t at, std::uint64_t value) {
    std::string changed = bytes;
    changed.replace(at, 8, reinterpret_cast<const char*>(&value), 8);
    return changed;
  };
  EXPECT_THAT(fault(with(24, 1)), HasSubstr("damaged index"));      // does not begin at 0
  EXPECT_THAT(fault(with(32, 5)), HasSubstr("damaged index"));      // 5 > 4: not ascending
  EXPECT_THAT(fault(with(40, ~0ULL)), HasSubstr("damaged index"));  // beyond the tokens
  EXPECT_THAT(fault(with(48, 5)), HasSubstr("damaged index"));      // ends before the last token
  EXPECT_THAT(fault(with(8, ~0ULL)), HasSubstr("overflows"));       // number of segments
  EXPECT_THAT(fault(with(8, ~0ULL / 8)), HasSubstr("overflows"));
  EXPECT_THAT(fault(with(16, ~0ULL / 2)), HasSubstr("overflows"));  // number of tokens
  EXPECT_THAT(fault(with(16, 7)), HasSubstr("cut short"));
}

TEST_F(SegmentFileTest, MadeFromTextItHoldsTheSegmentsInFileOrder) {
  const auto tokenizer = text::load_tokenizer(test::tokenizer_file());
  folder_.write("text/b.txt", "The third sentence of them all stands alone in its file.\n");
  folder_.write("text/a.txt",
                "The first sentence has quite a few words.  The second one follows it closely, \xFFhere.\n");
  folder_.write("text/notes.md", "Not text to learn from, whatever it says.");
  std::vector<std::string> reports;
  const auto out = folder_.path() / "made.segments";
  make_segment_file(folder_.path() / "text", *tokenizer, {}, out,
                    [&](const std::string& line) { reports.push_back(line); });
  const SegmentFile file(out);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < file.size(); ++i)
    texts.push_back(tokenizer->decode(std::vector<text::TokenId>(file[i].begin(), file[i].end())));
  EXPECT_THAT(texts,
              ElementsAre("The first sentence has quite a few words.", "The second one follows it closely, \uFFFDhere.",
                          "The third sentence of them all stands alone in its file."));
  EXPECT_THAT(reports, ElementsAre(HasSubstr("a.txt: 2 segments"), HasSubstr("b.txt: 3 segments")));
}

TEST_F(SegmentFileTest, NothingIsWrittenWithoutTextOrFromDamagedText) {
  const auto tokenizer = text::load_tokenizer(test::tokenizer_file());
  const auto make = [&](const std::string& folder) {
    make_segment_file(folder_.path() / folder, *tokenizer, {}, folder_.path() / "out", [](const std::string&) {});
  };
  folder_.write("none/readme.md", "x");
  folder_.write("bad/a.txt.zst", "no zstd");
  EXPECT_THROW(make("none"), base::MissingInputError);
  EXPECT_THROW(make("absent"), base::MissingInputError);
  EXPECT_THROW(make("bad"), base::FormatError);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "out"));
}

}  // namespace
}  // namespace larimar::train
