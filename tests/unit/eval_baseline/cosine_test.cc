#include "eval/baseline/cosine.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/eval_baseline/support.h"

namespace larimar::eval::baseline {
namespace {

DocumentPassages document_of(std::uint64_t serial, const std::vector<std::string>& texts) {
  DocumentPassages document;
  document.serial = serial;
  for (const std::string& text : texts) document.passages.push_back({.text = text});
  return document;
}

TEST(Cosine, RanksByTheDotProductOfWholeTexts) {
  support::FakeKeys encoder(24);
  const DocumentPassages corpus = document_of(1, {"a red lamp", "two blue doors", "the red lamp", "something else"});
  const std::vector<std::string> queries = {"a red lamp", "two doors"};
  const auto ranked = make_cosine_ranker(encoder)->rank(ContextPassages({&corpus}), queries, 9);
  ASSERT_EQ(ranked.size(), 2U);
  ASSERT_EQ(ranked[0].size(), 4U);
  EXPECT_EQ(ranked[0][0].passage, 0U);
  EXPECT_NEAR(ranked[0][0].score, 1.0, 1e-6);
  EXPECT_EQ(ranked[0][1].passage, 2U);
  EXPECT_EQ(ranked[1][0].passage, 1U);
  support::FakeKeys direct(24);
  for (const Ranked& one : ranked[1]) {
    const std::vector<std::string> pair = {corpus.passages[one.passage].text, queries[1]};
    const linalg::Matrix keys = direct.encode(pair);
    EXPECT_NEAR(one.score, static_cast<double>(keys.row(0).dot(keys.row(1))), 1e-6);
  }
}

TEST(Cosine, EncodesATextOnceInAllContexts) {
  support::FakeKeys encoder(8);
  const auto ranker = make_cosine_ranker(encoder);
  std::vector<std::string> many;
  for (int i = 0; i < 600; ++i) many.push_back("passage " + std::to_string(i % 300));
  const DocumentPassages a = document_of(1, many), b = document_of(2, {"one more", "passage 7"});
  const std::vector<std::string> query = {"which passage"};
  static_cast<void>(ranker->rank(ContextPassages({&a}), query, 3));
  const auto second = ranker->rank(ContextPassages({&b, &a}), query, 20);
  for (const std::string text : {"passage 7", "passage 299", "one more"})
    EXPECT_EQ(std::ranges::count(encoder.seen, text), 1) << text;
  support::FakeKeys other(8);
  const auto fresh = make_cosine_ranker(other)->rank(ContextPassages({&b, &a}), query, 20);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(second[0][i].passage, fresh[0][i].passage);
    EXPECT_EQ(second[0][i].score, fresh[0][i].score);
  }
}

TEST(Cosine, EqualPassagesStandInReadingOrder) {
  support::FakeKeys encoder(8);
  const DocumentPassages corpus = document_of(1, std::vector<std::string>(50, "the same"));
  const std::vector<std::string> query = {"same"};
  const auto ranked = make_cosine_ranker(encoder)->rank(ContextPassages({&corpus}), query, 3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(ranked[0][i].passage, i);
}

TEST(Cosine, NothingIsFoundInNothing) {
  support::FakeKeys encoder(8);
  const DocumentPassages empty = document_of(1, {});
  const std::vector<std::string> query = {"anything"};
  EXPECT_TRUE(make_cosine_ranker(encoder)->rank(ContextPassages({&empty}), query, 3).front().empty());
  const DocumentPassages blank = document_of(2, {""});
  EXPECT_EQ(make_cosine_ranker(encoder)->rank(ContextPassages({&blank}), query, 3).front().size(), 1U);
  EXPECT_TRUE(make_cosine_ranker(encoder)->rank(ContextPassages({&blank}), {}, 3).empty());
}

}  // namespace
}  // namespace larimar::eval::baseline
