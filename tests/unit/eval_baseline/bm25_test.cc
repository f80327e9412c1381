#include "eval/baseline/bm25.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/eval_baseline/support.h"

namespace larimar::eval::baseline {
namespace {

DocumentPassages document_of(std::uint64_t serial, const std::vector<std::string>& texts) {
  DocumentPassages document;
  document.serial = serial;
  for (const std::string& text : texts) document.passages.push_back({.text = text});
  return document;
}

std::vector<std::size_t> numbers(const std::vector<Ranked>& ranked) {
  std::vector<std::size_t> result;
  for (const Ranked& one : ranked) result.push_back(one.passage);
  return result;
}

std::vector<Ranked> ask(Ranker& ranker, const std::vector<const DocumentPassages*>& documents, const std::string& query,
                        std::size_t count = 10) {
  return ranker.rank(ContextPassages(documents), {&query, 1}, count).front();
}

using Numbers = std::vector<std::size_t>;

TEST(Bm25, PutsRareTermsAndShortPassagesFirst) {
  const DocumentPassages corpus =
      document_of(1, {"The boat left the harbour in the morning and the crew of the boat waved for a long time.",
                      "The boat left.", "The garden is green.", "The gardener paints a lighthouse."});
  const auto ranker = make_bm25_ranker();
  EXPECT_EQ(numbers(ask(*ranker, {&corpus}, "lighthouse"))[0], 3U);
  EXPECT_EQ(numbers(ask(*ranker, {&corpus}, "boats leaving or left"))[0], 1U);
  EXPECT_EQ(numbers(ask(*ranker, {&corpus}, "Which GARDENS are green?"))[0], 2U);
  EXPECT_EQ(ask(*ranker, {&corpus}, "The boat", 1).size(), 1U);
}

// The formula with Xapian's weight of a term, log((N - n + 0.5) / (n + 0.5)), halved and moved up by one before the
// logarithm where it is below two.
TEST(Bm25, HasTheWeightsOfTheFormula) {
  const DocumentPassages corpus = document_of(
      1, {"cat dog", "cat cat cat fish bird", "owl", "hen", "ant", "bee", "fly", "elk", "cow", "pig", "yak", "emu"});
  const double passages = 12, with_term = 2, average = 17.0 / 12.0;
  const double term = std::log((passages - with_term + 0.5) / (with_term + 0.5));
  const auto weight = [&](double count, double length) {
    return term * (kBm25K1 + 1) * count / (kBm25K1 * (1 - kBm25B + kBm25B * length / average) + count);
  };
  const auto ranker = make_bm25_ranker();
  const std::vector<Ranked> found = ask(*ranker, {&corpus}, "cats");
  ASSERT_EQ(numbers(found), (weight(3, 5) > weight(1, 2) ? Numbers{1, 0} : Numbers{0, 1}));
  for (const Ranked& one : found) EXPECT_NEAR(one.score, one.passage == 1 ? weight(3, 5) : weight(1, 2), 1e-9);
}

TEST(Bm25, EqualPassagesStandInReadingOrderAndAreCutThere) {
  const std::vector<std::string> same(40, "The lamp is lit by hand.");
  const DocumentPassages first = document_of(1, same), second = document_of(2, same);
  const auto ranker = make_bm25_ranker();
  EXPECT_EQ(numbers(ask(*ranker, {&first, &second}, "lamp", 3)), (Numbers{0, 1, 2}));
  // The other way round in the index: what stands first now was added last.
  const DocumentPassages before = document_of(3, same);
  EXPECT_EQ(numbers(ask(*ranker, {&before, &first}, "lamp", 42)).back(), 41U);
  EXPECT_EQ(numbers(ask(*ranker, {&before, &first}, "lamp", 3)), (Numbers{0, 1, 2}));
}

TEST(Bm25, FollowsFromContextToContextAsIfEachWereTheFirst) {
  const DocumentPassages a = document_of(1, {"A red lamp.", "A blue lamp and a red door."});
  const DocumentPassages b = document_of(2, {"Red red red.", "Nothing here."});
  const DocumentPassages c = document_of(3, {"One more lamp, quite red, beside the long wall of the old mill."});
  const DocumentPassages empty = document_of(4, {});
  const std::vector<std::vector<const DocumentPassages*>> contexts = {
      {&a}, {&a, &b}, {&b, &a}, {&empty, &c, &b}, {&a, &c, &a}, {&empty}, {}, {&a, &b}};
  const auto kept = make_bm25_ranker();
  for (const auto& context : contexts) {
    const auto fresh = make_bm25_ranker();
    const auto one = ask(*kept, context, "a red lamp"), other = ask(*fresh, context, "a red lamp");
    ASSERT_EQ(numbers(one), numbers(other));
    for (std::size_t i = 0; i < one.size(); ++i) EXPECT_DOUBLE_EQ(one[i].score, other[i].score);
  }
}

TEST(Bm25, TakesHostileTextsAndQueriesAsWords) {
  const DocumentPassages corpus =
      document_of(1, {"", " \t ", std::string(5000, 'x'), std::string("zero\0byte", 9), "not broken \xFF\xFE utf",
                      "AND OR NOT NEAR", "XAPIAN:K:Zterm", "\xE6\xBC\xA2\xE5\xAD\x97 kanji", "a needle"});
  const auto ranker = make_bm25_ranker();
  EXPECT_EQ(numbers(ask(*ranker, {&corpus}, "NOT (needle OR \"")), (Numbers{5, 8, 4}));
  EXPECT_EQ(numbers(ask(*ranker, {&corpus}, "NEAR")), Numbers{5});
  EXPECT_EQ(numbers(ask(*ranker, {&corpus}, "\xE6\xBC\xA2\xE5\xAD\x97")), Numbers{7});
  EXPECT_EQ(numbers(ask(*ranker, {&corpus}, "\xFF utf?")), Numbers{4});
  for (const std::string query : {"", "?!", "wordthatisnotthere", "*", "title:", "-needles"})
    EXPECT_EQ(ask(*ranker, {&corpus}, query).size(), query == "-needles" ? 1U : 0U) << query;
  EXPECT_TRUE(ask(*ranker, {&corpus}, std::string(100000, 'y')).empty());
}

TEST(Bm25, NothingIsFoundInNothing) {
  const auto ranker = make_bm25_ranker();
  const DocumentPassages empty = document_of(1, {});
  EXPECT_TRUE(ask(*ranker, {&empty}, "lamp").empty());
  EXPECT_TRUE(ask(*ranker, {}, "lamp").empty());
  const DocumentPassages one = document_of(2, {"A lamp."});
  EXPECT_TRUE(ask(*ranker, {&one}, "lamp", 0).empty());
}

}  // namespace
}  // namespace larimar::eval::baseline
