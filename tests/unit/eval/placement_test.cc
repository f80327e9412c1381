#include "eval/placement.h"

#include <gmock/gmock.h>

#include <cctype>
#include <cmath>

#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using test::error_of;
using test::make_text;
using testing::ElementsAre;
using testing::HasSubstr;

std::string insert_one(std::string_view text, std::uint64_t offset) {
  const Insertion insertion{offset, "Here."};
  return insert_sentences(text, {&insertion, 1}).text;
}

TEST(InsertSentences, UsesTheSpacingOfThePlace) {
  EXPECT_EQ(insert_one("One. Two.", 5), "One. Here. Two.");
  EXPECT_EQ(insert_one("One.\nTwo.", 5), "One.\nHere.\nTwo.");
  EXPECT_EQ(insert_one("One.\n\nTwo.", 6), "One.\n\nHere.\n\nTwo.");
  EXPECT_EQ(insert_one("One.  Two.", 6), "One.  Here. Two.");
}

TEST(InsertSentences, MakesAParagraphAtBothEnds) {
  EXPECT_EQ(insert_one("One.", 0), "Here.\n\nOne.");
  EXPECT_EQ(insert_one("no stop", 7), "no stop\n\nHere.\n");
  EXPECT_EQ(insert_one("One.\n", 5), "One.\n\nHere.\n");
}

TEST(InsertSentences, KeepsTheOrderAndTheRangesOfSeveral) {
  const std::vector<Insertion> insertions = {
      {0, "First."}, {5, "Second."}, {5, "Third."}, {9, "Last."}, {9, "Very last."}};
  const InsertedText inserted = insert_sentences("One. Two.", insertions);
  EXPECT_EQ(inserted.text, "First.\n\nOne. Second. Third. Two.\n\nLast.\n\nVery last.\n");
  for (std::size_t i = 0; i < insertions.size(); ++i) {
    const auto [begin, end] = inserted.ranges[i];
    EXPECT_EQ(inserted.text.substr(begin, end - begin), insertions[i].sentence);
  }
}

TEST(EvenDepths, GoFromTopToBottom) {
  EXPECT_THAT(even_depths(1), ElementsAre(50));
  EXPECT_THAT(even_depths(3), ElementsAre(0, 50, 100));
}

class HideNeedles : public testing::Test {
 protected:
  HideNeedles() {
    folder.write("hay/a.txt", make_text("apples", 30));
    folder.write("hay/b.txt", make_text("boats", 90));
    haystack = list_haystack(folder.path() / "hay");
  }
  static Plant needle(const std::string& id, double depth) { return {"Needle " + id + " is here.", depth}; }

  test::TemporaryFolder folder;
  Haystack haystack;
};

TEST_F(HideNeedles, DepthIsTheShareOfAllBytes) {
  for (const double depth : {0.0, 1.0, 20.0, 33.3, 60.0, 99.0, 100.0}) {
    const Place place = find_place(haystack, depth);
    EXPECT_NEAR(place.depth_percent, depth, 0.6);  // half a sentence of 120
    EXPECT_EQ(place.document, depth < 25 ? 0U : 1U);
  }
  EXPECT_EQ(find_place(haystack, 0).offset, 0U);
  EXPECT_EQ(find_place(haystack, 100).offset, haystack.documents[1].bytes);
}

TEST_F(HideNeedles, CopiesOnlyTheDocumentThatChanges) {
  const std::vector<Plant> needles = {needle("x", 70)};
  const HiddenContext context = hide_plants(haystack, needles, folder.path() / "copy");
  EXPECT_THAT(context.documents, ElementsAre(folder.path() / "hay/a.txt", folder.path() / "copy/b.txt"));
  const HiddenNeedle& placed = context.needles[0];
  EXPECT_EQ(placed.document, context.documents[1]);
  const std::string text = base::read_file(placed.document);
  EXPECT_EQ(text.substr(placed.byte_begin, placed.byte_end - placed.byte_begin), needles[0].text);
  std::string without = text;
  without.erase(placed.byte_begin, needles[0].text.size() + 1);
  EXPECT_EQ(without, make_text("boats", 90));
  EXPECT_EQ(base::read_file(folder.path() / "hay/b.txt"), make_text("boats", 90));
}

TEST_F(HideNeedles, HoldsManyAtOnceInAnyOrder) {
  std::vector<Plant> needles;
  for (int i = 0; i < 12; ++i) needles.push_back(needle(std::to_string(i), (i * 37) % 101));
  const HiddenContext context = hide_plants(haystack, needles, folder.path() / "copy");
  for (std::size_t i = 0; i < needles.size(); ++i) {
    const HiddenNeedle& placed = context.needles[i];
    const std::string text = base::read_file(placed.document);
    EXPECT_EQ(text.substr(placed.byte_begin, placed.byte_end - placed.byte_begin), needles[i].text);
    EXPECT_TRUE(placed.byte_begin == 0 || std::isspace(text[placed.byte_begin - 1]));
    EXPECT_TRUE(std::isspace(text[placed.byte_end]));
    EXPECT_NEAR(placed.depth_percent, needles[i].depth, 0.6);
  }
}

TEST_F(HideNeedles, ADocumentThatComesTwiceHasTwoCopies) {
  haystack.documents.push_back(haystack.documents[0]);
  const std::vector<Plant> needles = {needle("first", 2), needle("last", 100)};
  const HiddenContext context = hide_plants(haystack, needles, folder.path() / "copy");
  EXPECT_THAT(context.documents, ElementsAre(folder.path() / "copy/a.txt", folder.path() / "hay/b.txt",
                                             folder.path() / "copy/again1/a.txt"));
  for (const HiddenNeedle& placed : context.needles) {
    const std::string text = base::read_file(placed.document);
    EXPECT_EQ(text.substr(placed.byte_begin, placed.byte_end - placed.byte_begin), placed.text);
  }
}

TEST_F(HideNeedles, RefusesDepthsAndNeedlesThatCannotBe) {
  for (const double depth : {-0.1, 100.1, std::nan("")}) {
    EXPECT_THAT(error_of<base::UsageError>([&] { (void)find_place(haystack, depth); }), HasSubstr("outside 0 to 100"));
  }
  const Haystack small = list_haystack(folder.write("small.txt", "Short."));
  const std::vector<Plant> needles = {needle("long", 50)};
  EXPECT_THAT(error_of<base::ConfigError>([&] { (void)hide_plants(small, needles, folder.path() / "copy"); }),
              HasSubstr("have 20 bytes, more than the whole context of 6"));
}

}  // namespace
}  // namespace larimar::eval
