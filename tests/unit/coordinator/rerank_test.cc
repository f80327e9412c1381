#include "coordinator/rerank.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace larimar::coordinator {
namespace {

constexpr std::size_t kCandidates = 4;

/// Query q has segments 10 q, 10 q + 1, ... in the order of their keys, `held[q]` of them; code and text say which.
DecodedRead decoded_read(const std::vector<std::size_t>& held) {
  DecodedRead decoded;
  BatchRead& read = decoded.read;
  read.reads = kCandidates;
  read.z_read = linalg::Matrix::Zero(static_cast<linalg::Index>(held.size() * kCandidates), 2);
  for (std::size_t q = 0; q < held.size(); ++q) {
    for (std::size_t i = 0; i < kCandidates; ++i) {
      const std::size_t at = q * kCandidates + i;
      const bool there = i < held[q];
      wire::CodeRecord record;
      record.segment.value = 10 * q + i;
      record.slot.value = static_cast<std::uint32_t>(100 + i);
      record.status = there ? wire::ReadStatus::kOk : wire::ReadStatus::kEmpty;
      read.records.push_back(record);
      read.scores.push_back(there ? 1.0F - 0.1F * static_cast<float>(i) : 0.0F);
      read.weights.push_back(i == 0 && there ? 1.0 : 0.0);
      if (there) read.z_read.row(static_cast<linalg::Index>(at)).setConstant(static_cast<float>(10 * q + i));
      decoded.texts.push_back(there ? "text " + std::to_string(10 * q + i) : "");
    }
    read.margin.emplace_back(0.1F);
    read.slots.push_back(100);
  }
  return decoded;
}

TEST(Rerank, TheLikeliestComeFirstWithAllThatBelongsToThem) {
  DecodedRead decoded = decoded_read({4, 4});
  std::vector<std::vector<double>> likelihoods{{-3, -1, -2, -9}, {-1, -2, -3, -4}};
  rerank(decoded, likelihoods, 2, 0);
  EXPECT_EQ(likelihoods, (std::vector<std::vector<double>>{{-1, -2}, {-1, -2}})) << "they stay with their texts";
  const BatchRead& read = decoded.read;
  EXPECT_EQ(read.reads, 2U);
  EXPECT_EQ(decoded.texts, (std::vector<std::string>{"text 1", "text 2", "text 10", "text 11"}));
  EXPECT_EQ(read.records[0].segment.value, 1U);
  EXPECT_EQ(read.records[1].segment.value, 2U);
  EXPECT_EQ(read.records[2].segment.value, 10U);
  EXPECT_FLOAT_EQ(read.scores[0], 0.9F);
  EXPECT_FLOAT_EQ(read.z_read(1, 0), 2.0F);
  EXPECT_FLOAT_EQ(read.z_read(2, 1), 10.0F);
  EXPECT_EQ(read.weights, (std::vector<double>{1, 0, 1, 0})) << "what the answer rests on has the weight";
  EXPECT_EQ(read.slots, (std::vector<std::int64_t>{101, 100}));
  EXPECT_EQ(read.margin.size(), 2U);
}

TEST(Rerank, TheKeysScoreWeighsBesideTheLikelihood) {
  // Keys fall by 0.1 a place: with weight 4 that is worth 0.4 nats.
  DecodedRead decoded = decoded_read({4, 4});
  std::vector<std::vector<double>> likelihoods{{-2.0, -1.7, -1.0, -0.9}, {-2.0, -1.7, -1.0, -0.9}};
  rerank(decoded, likelihoods, 3, 4);
  EXPECT_EQ(decoded.texts[0], "text 2") << "-1.0 + 4 * 0.8 against -0.9 + 4 * 0.7";
  EXPECT_EQ(decoded.texts[1], "text 0");
  EXPECT_EQ(likelihoods[0], (std::vector<double>{-1.0, -2.0, -0.9}));
  const std::vector<float> equal(4, 0.5F);
  EXPECT_EQ(likeliest_first(std::vector<double>{-3, -1, -2, -1}, equal, 4), (std::vector<std::size_t>{1, 3, 2, 0}));
}

TEST(Rerank, EqualOnesKeepTheirOrderAndNoLikelihoodsKeepAll) {
  DecodedRead decoded = decoded_read({4, 4});
  std::vector<std::vector<double>> likelihoods{{-1, -1, -1, -1}, {}};
  rerank(decoded, likelihoods, 3, 0);
  EXPECT_EQ(decoded.texts, (std::vector<std::string>{"text 0", "text 1", "text 2", "text 10", "text 11", "text 12"}));
}

TEST(Rerank, SourcesThatAreNotThereStayBehind) {
  DecodedRead decoded = decoded_read({2, 0});
  std::vector<std::vector<double>> likelihoods{{-5, -4}, {}};
  rerank(decoded, likelihoods, 4, 0);
  EXPECT_EQ(decoded.texts[0], "text 1");
  EXPECT_EQ(decoded.texts[1], "text 0");
  EXPECT_EQ(decoded.read.records[2].status, wire::ReadStatus::kEmpty);
  EXPECT_EQ(decoded.read.records[4].status, wire::ReadStatus::kEmpty);
}

TEST(RankByScores, TheGreatestComeFirstAndScoresAndMarginsAreTheNewOnes) {
  DecodedRead decoded = decoded_read({4, 4});
  rank_by_scores(decoded, std::vector<std::vector<float>>{{0.1F, 0.7F, 0.5F, 0.7F}, {0.9F, 0.2F, 0.1F, 0.0F}}, 2);
  const BatchRead& read = decoded.read;
  EXPECT_EQ(read.reads, 2U);
  EXPECT_EQ(decoded.texts, (std::vector<std::string>{"text 1", "text 3", "text 10", "text 11"})) << "equal ones stand";
  EXPECT_EQ(read.scores, (std::vector<float>{0.7F, 0.7F, 0.9F, 0.2F}));
  EXPECT_EQ(read.records[1].segment.value, 3U);
  EXPECT_EQ(read.weights, (std::vector<double>{1, 0, 1, 0}));
  EXPECT_EQ(read.slots, (std::vector<std::int64_t>{101, 100}));
  EXPECT_FLOAT_EQ(read.margin[0].value(), 0.0F);
  EXPECT_FLOAT_EQ(read.margin[1].value(), 0.7F);
}

TEST(RankByScores, SourcesThatAreNotThereStayBehindAndGiveNoMargin) {
  DecodedRead decoded = decoded_read({1, 0});
  rank_by_scores(decoded, std::vector<std::vector<float>>{{-0.5F}, {}}, 4);
  EXPECT_EQ(decoded.texts[0], "text 0");
  EXPECT_FLOAT_EQ(decoded.read.scores[0], -0.5F);
  EXPECT_EQ(decoded.read.records[1].status, wire::ReadStatus::kEmpty);
  EXPECT_EQ(decoded.read.records[4].status, wire::ReadStatus::kEmpty);
  EXPECT_FALSE(decoded.read.margin[0].has_value());
  EXPECT_FALSE(decoded.read.margin[1].has_value());
}

}  // namespace
}  // namespace larimar::coordinator
