#include "common/text/text_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <filesystem>
#include <string>

#include "common/base/error.h"
#include "common/base/file.h"

namespace larimar::text {
namespace {

namespace fs = std::filesystem;

std::string compressed(const std::string& text) {
  std::string bytes(ZSTD_compressBound(text.size()), '\0');
  bytes.resize(ZSTD_compress(bytes.data(), bytes.size(), text.data(), text.size(), 3));
  return bytes;
}

class TextStreamTest : public ::testing::Test {
 protected:
  void SetUp() override { fs::create_directories(folder_ / "below"); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path write(const std::string& name, const std::string& bytes) const {
    base::write_file(folder_ / name, bytes);
    return folder_ / name;
  }
  fs::path folder_ = fs::temp_directory_path() / ("larimar_text_stream_" + std::to_string(::getpid()));
};

TEST_F(TextStreamTest, TheRestIsWhatLinesHaveLeft) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += "line " + std::to_string(i) + "\n";  // several chunks
  for (const auto& path : {write("a.txt", text), write("a.txt.zst", compressed(text)),
                           write("two.zst", compressed(text.substr(0, 99)) + compressed(text.substr(99)))}) {
    EXPECT_EQ(TextStream(path).read_rest(), text) << path;
    TextStream stream(path);
    std::string line;
    ASSERT_TRUE(stream.read_line(line));
    EXPECT_EQ(line, "line 0");
    EXPECT_EQ(stream.read_rest(), text.substr(7)) << path;
    EXPECT_FALSE(stream.read_line(line));
    EXPECT_EQ(stream.read_rest(), "");
  }
  EXPECT_EQ(TextStream(write("empty.txt", "")).read_rest(), "");
}

TEST_F(TextStreamTest, DamagedZstdIsRefusedAndNotCutShort) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += std::to_string(i * 7919) + " ";
  const std::string whole = compressed(text);
  for (const std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{10}, std::size_t{3}}) {
    EXPECT_THROW((void)TextStream(write("a.txt.zst", whole.substr(0, size))).read_rest(), base::FormatError) << size;
  }
  EXPECT_THROW((void)TextStream(write("a.txt.zst", "no zstd at all")).read_rest(), base::FormatError);
}

TEST_F(TextStreamTest, FilesAreListedByName) {
  EXPECT_THROW((void)list_text_files(folder_), base::MissingInputError);
  EXPECT_THROW((void)list_text_files(folder_ / "nowhere"), base::MissingInputError);
  write("b.txt", "x");
  write("a.txt.zst", compressed("x"));
  write("c.md", "x");
  write("below/d.txt", "x");
  EXPECT_THAT(list_text_files(folder_), ::testing::ElementsAre(folder_ / "a.txt.zst", folder_ / "b.txt"));
}

}  // namespace
}  // namespace larimar::text
