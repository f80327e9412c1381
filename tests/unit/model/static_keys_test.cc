#include "common/model/static_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "common/base/error.h"
#include "tests/support/temporary_text.h"
#include "tests/unit/model/minilm_folder.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Keys of the ten pieces of MiniLmFolder's vocabulary, and counts in which each is half as frequent as the one before.
linalg::Matrix piece_keys() {
  linalg::Matrix keys(10, 6);
  for (linalg::Index i = 0; i < keys.size(); ++i) keys(i / 6, i % 6) = std::sin(static_cast<float>(3 * i * i + 1));
  return keys;
}
const std::vector<std::uint64_t> kCounts{512, 256, 128, 64, 32, 16, 8, 4, 2, 0};

struct Written {
  support::TemporaryText files;
  std::filesystem::path path = files.folder() / "table.safetensors";
  explicit Written(const linalg::Matrix& vectors) { write_static_table(path, vectors, {{"source", "a network"}}); }
};

linalg::Matrix as_stored(const linalg::Matrix& vectors) { return StaticTable(Written(vectors).path).vectors(); }

std::unique_ptr<KeyEncoder> encoder_of(const linalg::Matrix& vectors) {
  const MiniLmFolder folder;
  const Written written(vectors);
  return make_static_keys(StaticTable(written.path), text::load_tokenizer(folder.path() / "tokenizer.json"));
}

TEST(StaticVectors, TheMeanOverAllTextIsZeroAndEqualInputGivesEqualBits) {
  const linalg::Matrix vectors = make_static_vectors(piece_keys(), kCounts, {.size = 4, .smoothing = 0.05});
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(4);
  for (linalg::Index i = 0; i < 10; ++i)
    mean +=
        static_cast<double>(kCounts[static_cast<std::size_t>(i)]) / 1022.0 * vectors.row(i).transpose().cast<double>();
  EXPECT_LT(mean.norm(), 1e-6);
  EXPECT_GT(vectors.row(9).norm(), 0.1F);
  EXPECT_EQ(make_static_vectors(piece_keys(), kCounts, {.size = 4, .smoothing = 0.05}), vectors);
}

TEST(StaticVectors, WithoutSmoothingAwayAllPiecesWeighAlike) {
  // a far above all shares: every weight is nearly 1, and distances between pieces are those of their keys.
  const linalg::Matrix keys = piece_keys(), vectors = make_static_vectors(keys, kCounts, {.size = 6, .smoothing = 1e9});
  for (linalg::Index i = 1; i < 10; ++i)
    EXPECT_NEAR((vectors.row(i) - vectors.row(0)).norm(), (keys.row(i) - keys.row(0)).norm(), 1e-5F);
}

TEST(StaticVectors, FrequentPiecesWeighLess) {
  linalg::Matrix keys(3, 2);
  keys << 1, 0, 0, 1, 0, -1;
  const std::vector<std::uint64_t> counts{2, 999, 999};
  const linalg::Matrix vectors = make_static_vectors(keys, counts, {.size = 2, .smoothing = 0.001});
  EXPECT_GT(vectors.row(0).norm(), 50 * vectors.row(1).norm());
}

TEST(StaticVectors, FewerComponentsAreThoseOfMostVariance) {
  linalg::Matrix keys = linalg::Matrix::Zero(4, 3);
  keys << 0.1F, 0, 5, -0.1F, 0, -5, 0, 1, 0, 0, -1, 0;
  const linalg::Matrix one = make_static_vectors(keys, std::vector<std::uint64_t>(4, 7), {.size = 1, .smoothing = 1e9});
  EXPECT_NEAR(one(0, 0) - one(1, 0), 2 * std::sqrt(25.01F), 1e-4F) << "also fixes the sign";
  EXPECT_NEAR(one(2, 0) - one(3, 0), 0.0F, 1e-5F);
}

TEST(StaticVectors, WhatDoesNotFitIsRefused) {
  const linalg::Matrix keys = piece_keys();
  const auto make = [&](std::vector<std::uint64_t> counts, StaticTableOptions options) {
    static_cast<void>(make_static_vectors(keys, counts, options));
  };
  EXPECT_THROW(make({1, 2, 3}, {.size = 2}), base::ShapeError);
  EXPECT_THROW(make(kCounts, {.size = 7}), base::ShapeError);
  EXPECT_THROW(make(kCounts, {.size = 0}), base::ShapeError);
  EXPECT_THROW(make(std::vector<std::uint64_t>(10), {.size = 2}), base::ConfigError);
  EXPECT_THROW(make(kCounts, {.size = 2, .smoothing = 0}), base::ConfigError);
}

TEST(StaticKeys, AKeyIsTheDirectionOfTheSumWhateverTheOrderOfWords) {
  const auto encoder = encoder_of(piece_keys());
  const linalg::Matrix vectors = as_stored(piece_keys());
  EXPECT_EQ(encoder->name(), "static");
  ASSERT_EQ(encoder->key_size(), 6);
  const std::vector<std::string> texts{"sea wind", "wind sea", "", "seas", "sea wind a b c salt a b c a b c"};
  const linalg::Matrix keys = encoder->encode(texts);
  const linalg::Matrix sum = vectors.row(3) + vectors.row(5);
  EXPECT_LT((keys.row(0) - sum.row(0) / sum.row(0).norm()).norm(), 1e-6F);
  EXPECT_EQ(keys.row(0), keys.row(1));
  EXPECT_EQ(keys.row(2).norm(), 0.0F) << "nothing is similar to an empty text";
  EXPECT_NEAR(keys.row(3).dot(vectors.row(3) + vectors.row(4)), (vectors.row(3) + vectors.row(4)).norm(), 1e-5F);
  for (linalg::Index i = 0; i < keys.rows(); ++i)
    EXPECT_EQ(keys.row(i), encoder->encode(std::vector<std::string>{texts[static_cast<std::size_t>(i)]}).row(0));
}

TEST(StaticKeys, ATableOfAnotherVocabularyOrWithoutNumbersIsRefused) {
  EXPECT_THAT([] { static_cast<void>(encoder_of(piece_keys().topRows(9))); },
              ThrowsMessage<base::ConfigError>(AllOf(HasSubstr("9 pieces"), HasSubstr("has 10"))));
  linalg::Matrix broken = piece_keys();
  broken(4, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(Written{broken}, base::NumericalError);
  const MiniLmFolder folder;
  const Written written(piece_keys());
  std::vector<float> scales(10, std::numeric_limits<float>::infinity());
  const std::vector<std::int8_t> integers(60, 1);
  write_safetensors(written.path,
                    {{"vectors", {"I8", {10, 6}, std::as_bytes(std::span(integers))}},
                     {"scales", {"F32", {10}, std::as_bytes(std::span(scales))}}},
                    {{"format", "larimar static keys 2"}});
  EXPECT_THAT(
      [&] {
        static_cast<void>(
            make_static_keys(StaticTable(written.path), text::load_tokenizer(folder.path() / "tokenizer.json")));
      },
      ThrowsMessage<base::NumericalError>(HasSubstr("larimar static-keys")));
}

TEST(StaticTable, HoldsWhatWasWrittenAndSaysHowItWasMade) {
  const Written written(piece_keys());
  const StaticTable table(written.path);
  for (linalg::Index row = 0; row < 10; ++row) {
    const float step = piece_keys().row(row).cwiseAbs().maxCoeff() / 127;
    EXPECT_LE((table.vectors() - piece_keys()).row(row).cwiseAbs().maxCoeff(), 0.501F * step) << row;
  }
  EXPECT_EQ(table.made("source"), "a network");
  EXPECT_THAT([&] { static_cast<void>(table.made("checksum")); },
              ThrowsMessage<base::FormatError>(HasSubstr("checksum")));
}

TEST(StaticTable, OtherFilesAreNoTables) {
  const Written written(piece_keys());
  const auto open = [&] { static_cast<void>(StaticTable(written.path)); };
  std::filesystem::resize_file(written.path, std::filesystem::file_size(written.path) - 4);
  EXPECT_THAT(open, ThrowsMessage<base::FormatError>(HasSubstr(written.path.string())));
  const std::vector<std::byte> bytes(16);
  const auto put = [&](std::vector<std::uint64_t> shape, std::uint64_t scales, const std::string& format) {
    const std::span<const std::byte> all = bytes;
    write_safetensors(
        written.path,
        {{"vectors", {"I8", std::move(shape), all.first(4)}}, {"scales", {"F32", {scales}, all.first(4 * scales)}}},
        {{"format", format}});
  };
  put({2, 2}, 2, "another");
  EXPECT_THAT(open, ThrowsMessage<base::FormatError>(HasSubstr("no table of static keys")));
  put({4}, 4, "larimar static keys 2");
  EXPECT_THAT(open, ThrowsMessage<base::FormatError>(HasSubstr("[pieces, components]")));
  put({2, 2}, 3, "larimar static keys 2");
  EXPECT_THAT(open, ThrowsMessage<base::FormatError>(HasSubstr("F32 [pieces]")));
  std::filesystem::remove(written.path);
  EXPECT_THROW(open(), base::MissingInputError);
}

}  // namespace
}  // namespace larimar::model
