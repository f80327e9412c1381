#include "eval/haystack.h"

#include <gmock/gmock.h>
#include <zstd.h>

#include "common/text/text_stream.h"
#include "eval/filler.h"
#include "eval/selection.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using test::error_of;
using test::make_text;
using testing::HasSubstr;

class HaystackTest : public testing::Test {
 protected:
  Selection select(std::uint64_t tokens, const std::string& filler = "") {
    TokenCounter counter(tokenizer);
    const fs::path more = filler.empty() ? fs::path() : folder.path() / filler;
    return select_length({tokens, {source, more, repeat, pieces}, folder.path() / "contexts"}, counter);
  }
  void write_two_documents() {
    folder.write("hay/b.txt", make_text("boats", 10));
    folder.write("hay/a.txt", make_text("apples", 10));
  }

  test::TemporaryFolder folder;
  test::WordTokenizer tokenizer;
  fs::path source = folder.path() / "hay";
  bool repeat = false;
  std::uint64_t pieces = 0;
};

std::string compressed(const std::string& text) {
  std::string result(ZSTD_compressBound(text.size()), '\0');
  result.resize(ZSTD_compress(result.data(), result.size(), text.data(), text.size(), 3));
  return result;
}

TEST_F(HaystackTest, ListsAFolderByName) {
  write_two_documents();
  folder.write("hay/.hidden", "x");
  folder.write("hay/empty.txt", "");
  folder.write("hay/sub/c.txt", "x");
  const Haystack haystack = list_haystack(folder.path() / "hay");
  ASSERT_EQ(haystack.documents.size(), 2U);
  EXPECT_EQ(haystack.documents[0].path.filename(), "a.txt");
  EXPECT_EQ(haystack.bytes(), make_text("apples", 10).size() + make_text("boats", 10).size());
}

TEST_F(HaystackTest, TakesAFile) { EXPECT_EQ(list_haystack(folder.write("one.txt", "abc")).bytes(), 3U); }

TEST_F(HaystackTest, RefusesMissingAndEmptyHaystacks) {
  const auto error = [&](const char* name) {
    return error_of<base::MissingInputError>([&] { (void)list_haystack(folder.path() / name); });
  };
  EXPECT_THAT(error("nowhere"), HasSubstr("nowhere does not exist"));
  folder.write("hollow/empty.txt", "");
  EXPECT_THAT(error("hollow"), HasSubstr("holds no text"));
  EXPECT_THAT(error("hollow/empty.txt"), HasSubstr("holds no text"));
}

TEST_F(HaystackTest, LengthZeroIsTheWholeHaystack) {
  write_two_documents();
  const Selection selection = select(0);
  EXPECT_EQ(selection.tokens, 100U);
  EXPECT_EQ(selection.haystack.documents.size(), 2U);
}

TEST_F(HaystackTest, CutsTheLastDocumentAtASentence) {
  write_two_documents();
  const Selection selection = select(73);
  ASSERT_EQ(selection.haystack.documents.size(), 2U);
  EXPECT_EQ(selection.haystack.documents[0].path, folder.path() / "hay/a.txt");
  EXPECT_EQ(selection.tokens, 75U);  // sentences have five words: 75 is nearer than 70
  const std::string cut = base::read_file(selection.haystack.documents[1].path);
  EXPECT_EQ(cut, make_text("boats", 10).substr(0, cut.size()));
  EXPECT_TRUE(cut.ends_with("about boats.\n\n"));
  EXPECT_EQ(select(50).haystack.documents.size(), 1U);
  EXPECT_EQ(select(52).haystack.documents.size(), 1U);  // no sentence is nearer
}

TEST_F(HaystackTest, CutDocumentIsNotWrittenAgain) {
  write_two_documents();
  const fs::path path = select(73).haystack.documents[1].path;
  const auto old_time = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(path, old_time);
  (void)select(73);
  EXPECT_EQ(fs::last_write_time(path), old_time);
}

TEST_F(HaystackTest, RefusesLengthsThatCannotBeMet) {
  write_two_documents();
  EXPECT_THAT(error_of<base::ConfigError>([&] { (void)select(101); }),
              HasSubstr("the haystack has 100; give a smaller length, a filler folder, or --beyond repeat"));
  EXPECT_THAT(error_of<base::ConfigError>([&] { (void)select(1); }), HasSubstr("ask for a greater length"));
  folder.write("fill/x.txt", "Only five words of text.\n");
  EXPECT_THAT(error_of<base::ConfigError>([&] { (void)select(200, "fill"); }),
              HasSubstr("has 105; give a smaller length, more filler"));
}

TEST_F(HaystackTest, FillerExtendsInTurnsAndIsTheSameEachTime) {
  write_two_documents();
  std::string many;
  for (int i = 0; i < 40; ++i)
    many += make_text("document" + std::to_string(i), 3) + "\n\n" + make_text("other", 200) + "\n\n";
  folder.write("fill/news.txt.zst", compressed(many));
  folder.write("fill/essays.txt", many);
  folder.write("fill/notes.md", "not taken");
  const Selection selection = select(30000, "fill");
  EXPECT_NEAR(static_cast<double>(selection.tokens), 30000, 5);
  const auto& documents = selection.haystack.documents;
  ASSERT_GE(documents.size(), 5U);
  EXPECT_EQ(documents[2].path.filename(), "000000_essays.txt");
  EXPECT_EQ(documents[3].path.filename(), "000001_news.txt");
  EXPECT_EQ(base::read_file(documents[2].path), base::read_file(documents[3].path));  // packed and plain alike
  EXPECT_GE(documents[2].bytes, kFillerFileBytes);
  EXPECT_LE(documents[2].bytes, kFillerFileBytes + 8000);
  const auto old_time = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(documents[2].path, old_time);
  EXPECT_EQ(select(30000, "fill").tokens, selection.tokens);
  EXPECT_EQ(fs::last_write_time(documents[2].path), old_time);
}

TEST_F(HaystackTest, FillerKeepsEveryLineOnce) {
  std::string text;
  for (int i = 0; i < 9000; ++i)
    text += "Line number " + std::to_string(i) + " of the filler.\n" + (i % 7 == 0 ? "\n\n" : "");
  folder.write("fill/a.txt.zst", compressed(text));
  FillerFiles files(folder.path() / "fill", folder.path() / "out");
  std::string got;
  int count = 0;
  while (const std::optional<Document> document = files.next()) {
    got += base::read_file(document->path);
    ++count;
  }
  EXPECT_GT(count, 2);
  std::erase(got, '\n');
  std::erase(text, '\n');
  EXPECT_EQ(got, text);
}

TEST_F(HaystackTest, RefusesBadFiller) {
  write_two_documents();
  EXPECT_THAT(error_of<base::MissingInputError>([&] { (void)select(200, "nowhere"); }), HasSubstr("nowhere"));
  folder.write("fill/readme.md", "x");
  EXPECT_THAT(error_of<base::MissingInputError>([&] { (void)select(200, "fill"); }), HasSubstr("has no file *.txt"));
  const std::string whole = compressed(make_text("frames", 500));
  folder.write("fill/a.txt.zst", whole.substr(0, whole.size() / 2));
  EXPECT_THAT(error_of<base::FormatError>([&] { (void)select(9000, "fill"); }), HasSubstr("a.txt.zst near byte"));
  folder.write("fill/a.txt.zst", "this is no zstd file");
  EXPECT_THAT(error_of<base::FormatError>([&] { (void)select(9000, "fill"); }), HasSubstr("cannot decompress"));
}

TEST_F(HaystackTest, StreamGivesLinesWithAndWithoutLastNewline) {
  for (const char* text : {"one\n\ntwo", "one\n\ntwo\n"}) {
    text::TextStream stream(folder.write("lines.txt", text));
    std::vector<std::string> lines;
    for (std::string line; stream.read_line(line);) lines.push_back(line);
    EXPECT_THAT(lines, testing::ElementsAre("one", "", "two"));
  }
}

TEST_F(HaystackTest, TheHaystackComesAgainWhereAsked) {
  write_two_documents();
  EXPECT_THAT(error_of<base::ConfigError>([&] { (void)select(150); }), HasSubstr("--beyond repeat"));
  repeat = true;
  const Selection selection = select(150);
  EXPECT_EQ(selection.tokens, 150U);
  ASSERT_EQ(selection.haystack.documents.size(), 3U);
  EXPECT_EQ(selection.haystack.documents[2].path.filename(), "a.txt");
}

TEST_F(HaystackTest, PiecesAreTheSameTextInSmallerFiles) {
  write_two_documents();
  pieces = 64;
  const Selection selection = select(0);
  EXPECT_GT(selection.haystack.documents.size(), 3U);
  std::string text;
  for (const Document& document : selection.haystack.documents) text += base::read_file(document.path);
  EXPECT_EQ(text, make_text("apples", 10) + make_text("boats", 10));
}

TEST_F(HaystackTest, AGeneratorGivesAnyLengthAndTheSameEachTime) {
  source = "generate:7";
  const Selection first = select(5000);
  EXPECT_NEAR(static_cast<double>(first.tokens), 5000, 10);
  const std::string text = base::read_file(first.haystack.documents[0].path);
  fs::remove_all(folder.path() / "contexts");
  EXPECT_EQ(base::read_file(select(5000).haystack.documents[0].path), text);
  source = "generate:8";
  EXPECT_NE(base::read_file(select(5000).haystack.documents[0].path), text);
  source = "generate:literature";
  EXPECT_THAT(base::read_file(select(5000).haystack.documents[0].path), HasSubstr(kLiteratureFiller));
}

TEST_F(HaystackTest, RefusesAGeneratorWithoutNumberOrLength) {
  source = "generate:x";
  EXPECT_THAT(error_of<base::UsageError>([&] { (void)select(10); }), HasSubstr("write generate:SEED"));
  source = "generate:1";
  EXPECT_THAT(error_of<base::ConfigError>([&] { (void)select(0); }), HasSubstr("has no end"));
}

}  // namespace
}  // namespace larimar::eval
