#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "common/model/compact.h"
#include "tests/unit/model/compact_folder.h"

namespace larimar::model {
namespace {

using ::testing::HasSubstr;
using Segments = std::vector<std::vector<text::TokenId>>;

class CompactEncoderTest : public ::testing::Test {
 protected:
  void SetUp() override { save_weights(*network_, folder_.weights(), StoredPrecision::kFloat32, {}); }
  CompactFolder folder_;
  CompactNetwork network_ = tiny_network(6);
};

TEST_F(CompactEncoderTest, GivesTheCodesOfTheNetwork) {
  const auto encoder = load_compact_encoder(folder_.path());
  EXPECT_EQ(encoder->code_size(), 32);
  EXPECT_EQ(encoder->max_tokens(), 15U);
  const linalg::Matrix codes = encoder->encode(Segments{{5, 6, 7}, {8, 9, 10, 11}});
  ASSERT_EQ(codes.rows(), 2);
  const torch::NoGradGuard guard;
  const auto expected = network_->encoder->forward(
      torch::tensor({5, 6, 7, 2, 0, 0, 0, 0, 8, 9, 10, 11, 2, 0, 0, 0}, torch::kInt64).view({2, 8}));
  for (linalg::Index row = 0; row < 2; ++row) {
    for (linalg::Index column = 0; column < 32; ++column)
      EXPECT_NEAR(codes(row, column), expected[row][column].item<float>(), 1e-5);
  }
}

TEST_F(CompactEncoderTest, CodesInIntegersAreNearToThoseInFloats) {
  const Segments segments{{5, 6, 7}, {8, 9, 10, 11}, std::vector<text::TokenId>(15, 4)};
  const linalg::Matrix floats = load_compact_encoder(folder_.path())->encode(segments);
  const linalg::Matrix integers = load_compact_encoder(folder_.path(), Arithmetic::kInteger)->encode(segments);
  EXPECT_NE(integers, floats);
  EXPECT_LT((integers - floats).cwiseAbs().maxCoeff(), 5e-3F);
}

TEST_F(CompactEncoderTest, TakesSegmentsOfOneToMaxTokens) {
  const auto encoder = load_compact_encoder(folder_.path());
  EXPECT_EQ(encoder->encode(Segments{}).rows(), 0);
  EXPECT_EQ(encoder->encode(Segments{}).cols(), 32);
  EXPECT_EQ(encoder->encode(Segments{std::vector<text::TokenId>(15, 4)}).rows(), 1);
  EXPECT_THAT(fault_of<base::ShapeError>([&] {
                (void)encoder->encode(Segments{{5}, {}});
              }),
              HasSubstr("a segment of 0 tokens"));
  EXPECT_THAT(fault_of<base::ShapeError>([&] { (void)encoder->encode(Segments{std::vector<text::TokenId>(16, 4)}); }),
              HasSubstr("a segment of 16 tokens"));
}

TEST_F(CompactEncoderTest, TruncatedAndMissingFilesAreNamed) {
  const std::string weights = base::read_file(folder_.weights());
  for (std::size_t size = 0; size < weights.size(); size += weights.size() / 97) {
    base::write_file(folder_.weights(), weights.substr(0, size));
    EXPECT_THAT(fault_of<base::FormatError>([&] { (void)load_compact_encoder(folder_.path()); }),
                HasSubstr("model.safetensors"))
        << size;
  }
  std::filesystem::remove(folder_.weights());
  EXPECT_THAT(fault_of<base::MissingInputError>([&] { (void)load_compact_encoder(folder_.path()); }),
              HasSubstr("model.safetensors"));
  const std::string config = base::read_file(folder_.config());
  for (std::size_t size = 0; size < config.size(); ++size) {
    base::write_file(folder_.config(), config.substr(0, size));
    EXPECT_THAT(fault_of<base::FormatError>([&] { (void)load_compact_encoder(folder_.path()); }),
                HasSubstr("config.json"))
        << size;
  }
  std::filesystem::remove(folder_.config());
  EXPECT_THAT(fault_of<base::MissingInputError>([&] { (void)load_compact_encoder(folder_.path()); }),
              HasSubstr("config.json"));
}

TEST_F(CompactEncoderTest, WeightsOfOtherSizesAreRefused) {
  CompactConfig other = tiny_config();
  other.width = 32;
  folder_.put_config(to_json(other));
  EXPECT_THAT(fault_of<base::FormatError>([&] { (void)load_compact_encoder(folder_.path()); }),
              HasSubstr("does not fit its config.json"));
}

}  // namespace
}  // namespace larimar::model
