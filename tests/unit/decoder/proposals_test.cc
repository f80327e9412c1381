#include "decoder/proposals.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "common/base/random.h"

namespace larimar::decoder {
namespace {

using Pieces = std::vector<text::TokenId>;
constexpr text::TokenId kEnd = 2;

TEST(Proposals, WithoutDoubtThereIsOneTextUpToItsEnd) {
  const std::vector<std::vector<Candidate>> positions{{{7, -0.1}}, {{8, -0.2}}, {{kEnd, -0.3}}, {{9, -0.4}}};
  const auto texts = most_probable(positions, kEnd, 4);
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_EQ(texts[0].pieces, (Pieces{7, 8}));
  EXPECT_NEAR(texts[0].log_probability, -1.0, 1e-12);
  EXPECT_EQ(most_probable({}, kEnd, 4).size(), 1U);
  EXPECT_EQ(most_probable(std::span(positions).first(2), kEnd, 4)[0].pieces, (Pieces{7, 8})) << "no end";
}

TEST(Proposals, TextsThatDifferBehindTheirEndAreOne) {
  const std::vector<std::vector<Candidate>> positions{
      {{7, -0.1}}, {{kEnd, -0.2}, {8, -2.0}}, {{kEnd, -0.1}, {9, -1.0}}};
  const auto texts = most_probable(positions, kEnd, 4);
  ASSERT_EQ(texts.size(), 3U);
  EXPECT_EQ(texts[0].pieces, (Pieces{7}));
  EXPECT_EQ(texts[1].pieces, (Pieces{7, 8}));
  EXPECT_EQ(texts[2].pieces, (Pieces{7, 8, 9}));
}

TEST(Proposals, TheyAreTheBestOfAllTexts) {
  base::Random random(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::vector<Candidate>> positions(5);
    for (auto& candidates : positions) {
      for (std::size_t i = 0; i < 1 + random.below(3); ++i)
        candidates.push_back({static_cast<text::TokenId>(10 + i), std::log(0.01 + random.uniform())});
      std::ranges::sort(candidates, std::ranges::greater{}, &Candidate::log_probability);
    }
    std::vector<Proposal> all;
    const std::function<void(std::size_t, Proposal)> extend = [&](std::size_t at, const Proposal& text) {
      if (at == positions.size()) return all.push_back(text);
      for (const Candidate& candidate : positions[at]) {
        Proposal longer = text;
        longer.pieces.push_back(candidate.piece);
        longer.log_probability += candidate.log_probability;
        extend(at + 1, longer);
      }
    };
    extend(0, {});
    std::ranges::stable_sort(all, std::ranges::greater{}, &Proposal::log_probability);
    const auto found = most_probable(positions, kEnd, 4);
    ASSERT_EQ(found.size(), std::min<std::size_t>(4, all.size()));
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].pieces, all[i].pieces) << round;
      EXPECT_NEAR(found[i].log_probability, all[i].log_probability, 1e-12);
    }
  }
}

}  // namespace
}  // namespace larimar::decoder
