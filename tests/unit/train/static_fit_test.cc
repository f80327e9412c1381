#include "train/static_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "common/base/error.h"

namespace larimar::train {
namespace {

constexpr linalg::Index kPieces = 60, kWidth = 12;

/// Texts whose keys are directions of sums of hidden vectors of their pieces; pieces from 50 on are in no text.
struct World {
  std::mt19937 random{11};
  linalg::Matrix hidden{kPieces, kWidth}, alone{kPieces, kWidth};
  StaticExamples examples;

  explicit World(std::size_t texts) {
    std::normal_distribution<float> normal;
    for (linalg::Index i = 0; i < hidden.size(); ++i) hidden.data()[i] = normal(random);
    for (linalg::Index i = 0; i < alone.size(); ++i) alone.data()[i] = hidden.data()[i] + 2.0F * normal(random);
    examples.keys.resize(static_cast<linalg::Index>(texts), kWidth);
    for (std::size_t text = 0; text < texts; ++text) {
      std::vector<text::TokenId> pieces(3 + random() % 6);
      linalg::Matrix sum = linalg::Matrix::Zero(1, kWidth);
      for (text::TokenId& piece : pieces) {
        piece = static_cast<text::TokenId>(random() % 50);
        sum.row(0) += hidden.row(piece);
      }
      examples.pieces.push_back(std::move(pieces));
      examples.keys.row(static_cast<linalg::Index>(text)) = sum.row(0).normalized();
    }
  }
  [[nodiscard]] StaticFit fit(StaticFitOptions options) const {
    options.learning_rate = 0.05;
    options.batch = 50;
    return fit_static_vectors(examples, alone, options, [](const std::string&) {});
  }
};

TEST(StaticFit, FindsVectorsWhoseSumsPointWhereTheKeysDo) {
  const World world(3000);
  const StaticFit fit = world.fit({.size = kWidth, .smoothing = 1e9, .epochs = 6});
  EXPECT_LT(fit.cosine_before, 0.9);
  EXPECT_GT(fit.cosine, 0.995) << "on texts that it was not fitted to";
  ASSERT_EQ(fit.vectors.rows(), kPieces);
  EXPECT_TRUE(fit.vectors.allFinite());
  EXPECT_GT(fit.vectors.row(55).norm(), 0.0F) << "a piece that no text has keeps what it had";
  EXPECT_EQ(world.fit({.size = kWidth, .smoothing = 1e9, .epochs = 6}).vectors, fit.vectors);
}

TEST(StaticFit, WithoutAnEpochItIsTheStart) {
  const World world(500);
  const StaticFit fit = world.fit({.size = 5, .epochs = 0});
  EXPECT_EQ(fit.cosine, fit.cosine_before);
  EXPECT_EQ(fit.vectors.cols(), 5);
}

TEST(StaticFit, WhatDoesNotFitIsRefused) {
  World world(120);
  EXPECT_THROW((void)world.fit({.size = kWidth + 1, .epochs = 1}), base::ShapeError);
  world.examples.keys.conservativeResize(119, kWidth);
  EXPECT_THROW((void)world.fit({.size = 4, .epochs = 1}), base::ShapeError);
  EXPECT_THROW((void)World(99).fit({.size = 4, .epochs = 1}), base::ConfigError);
}

}  // namespace
}  // namespace larimar::train
