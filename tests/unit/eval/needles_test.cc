#include "eval/needles.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

#include "eval/needle_file.h"
#include "eval/random.h"
#include "tests/unit/eval/support.h"

namespace larimar::eval {
namespace {

using test::error_of;
using testing::HasSubstr;
using testing::MatchesRegex;

TEST(Random, IsTheSameEverywhere) {
  // SplitMix64 from 0 begins with e220a8397b1dcdaf, 6e789e6aa1b965f4, ...: the state of xoshiro256** for seed 0, whose
  // first output is rotl(second * 5, 7) * 9.
  EXPECT_EQ(Random(0).next(), 0x99ec5f36cb75f2b4U);
  EXPECT_EQ(hash_text(""), 0xcbf29ce484222325U);
  EXPECT_EQ(hash_text("a"), 0xaf63dc4c8601ec8cU);
}

TEST(Random, IsUniformBelowABound) {
  Random random(7);
  std::vector<int> counts(10);
  for (int i = 0; i < 10000; ++i) ++counts[random.below(10)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(DrawNeedle, HasTheWordingOfItsKind) {
  for (const int digits : {3, 4, 5, 7, 16}) {
    const Needle needle = draw_needle(parse_needle_kind(std::to_string(digits)), 11);
    EXPECT_EQ(needle.text, "The pass key is " + needle.answer + ".");
    EXPECT_THAT(needle.answer, MatchesRegex("[1-9][0-9]*"));
    EXPECT_EQ(needle.answer.size(), static_cast<std::size_t>(digits));
    EXPECT_EQ(needle.prefix, "The pass key is");
    EXPECT_EQ(needle.prefix_answer, needle.answer);
    EXPECT_EQ(needle.question, "What is the pass key?");
    EXPECT_EQ(needle.id, "passkey_" + std::to_string(digits));
  }
  EXPECT_THAT(draw_needle(parse_needle_kind("uuid"), 3).answer,
              MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(draw_needle(parse_needle_kind("san_francisco"), 3).text,
            "The best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day.");
}

TEST(DrawNeedle, DependsOnTheSeedAlone) {
  std::set<std::string> keys;
  for (std::uint64_t seed = 0; seed < 200; ++seed) keys.insert(draw_needle({"passkey", 16}, seed).answer);
  EXPECT_EQ(keys.size(), 200U);
  EXPECT_EQ(draw_needle({"passkey", 7}, 5).answer, draw_needle({"passkey", 7}, 5).answer);
}

TEST(ParseNeedleKind, RefusesOthers) {
  for (const char* text : {"0", "19", "-3", "3x", "", "guid"}) {
    EXPECT_THAT(error_of<base::UsageError>([&] { (void)parse_needle_kind(text); }), HasSubstr("is none of")) << text;
  }
}

class NeedleFile : public testing::Test {
 protected:
  std::string error(const std::string& text) {
    const fs::path path = folder.write("needles.jsonl", text);
    return error_of<base::Error>([&] { (void)load_needles(path); });
  }
  static std::string line(const std::string& id, const std::string& needle = "The sky is blue.") {
    return R"({"id":")" + id + R"(","needle":")" + needle +
           R"(","prefix":"The sky is","prefix_answer":"blue","question":"Colour?","answer":"blue"})" + "\n";
  }

  test::TemporaryFolder folder;
};

TEST_F(NeedleFile, IsRead) {
  const std::vector<Needle> needles = load_needles(folder.write("n.jsonl", line("a") + "\n" + line("b")));
  ASSERT_EQ(needles.size(), 2U);
  EXPECT_EQ(needles[1].id, "b");
  EXPECT_EQ(needles[1].text, "The sky is blue.");
}

TEST_F(NeedleFile, NamesTheLineThatIsWrong) {
  EXPECT_THAT(error(line("a") + "{"), HasSubstr("needles.jsonl, line 2: the line is not a JSON object"));
  EXPECT_THAT(error(line("a") + "\n" + line("a")), HasSubstr("line 3: the line repeats the id \"a\""));
  EXPECT_THAT(error(R"({"id":"a"})"), HasSubstr("needs the field \"needle\""));
  EXPECT_THAT(error(R"({"id":7})"), HasSubstr("needs the field \"id\""));
  EXPECT_THAT(error(R"({"id":"a","colour":"red"})"), HasSubstr("unknown field \"colour\""));
  EXPECT_THAT(error(line("a", "A sky is blue.")), HasSubstr("does not begin with"));
  EXPECT_THAT(error(line("a", "The sky is red.")), HasSubstr("prefix_answer that does not follow"));
  EXPECT_THAT(error(line("a", R"(The sky is\nblue.)")), HasSubstr("more than one line"));
  std::string words = "The sky is blue";
  for (int i = 0; i < 42; ++i) words += " and";
  EXPECT_THAT(error(line("a", words)), HasSubstr("a needle of 46 words"));
}

TEST_F(NeedleFile, MustExistAndHoldANeedle) {
  EXPECT_THAT(error("\n \n"), HasSubstr("holds no needle"));
  EXPECT_THAT(error_of<base::MissingInputError>([&] { (void)load_needles(folder.path() / "no.jsonl"); }),
              HasSubstr("no.jsonl"));
}

TEST(ShippedNeedles, AreSoundAndDoNotAnswerEachOther) {
  const char* root = std::getenv("LARIMAR_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  for (const auto& [name, count] : {std::pair("everyday.jsonl", 40U), std::pair("everyday_unseen.jsonl", 20U)}) {
    const std::vector<Needle> needles = load_needles(fs::path(root) / "eval/needles" / name);
    EXPECT_EQ(needles.size(), count);
    for (const Needle& asked : needles) {
      EXPECT_EQ(asked.question.find(asked.answer), std::string::npos) << asked.id;
      EXPECT_EQ(asked.prefix.find(asked.prefix_answer), std::string::npos) << asked.id;
      for (const Needle& other : needles) {
        if (other.id == asked.id) continue;
        EXPECT_EQ(other.text.find(asked.answer), std::string::npos) << asked.id << " " << other.id;
        EXPECT_EQ(other.text.find(asked.prefix), std::string::npos) << asked.id << " " << other.id;
      }
    }
  }
}

}  // namespace
}  // namespace larimar::eval
