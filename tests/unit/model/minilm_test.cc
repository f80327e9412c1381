#include "common/model/minilm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "tests/unit/model/minilm_folder.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::vector<std::string> kTexts{"sea wind salt", "", "seas", "a b c", "sea", "unseen words", "wind a salt", "c"};

TEST(MiniLm, KeysHaveUnitLengthAndKeepTheOrderOfTheTexts) {
  const MiniLmFolder folder;
  const auto encoder = load_minilm(folder.path());
  EXPECT_EQ(encoder->name(), "minilm");
  ASSERT_EQ(encoder->key_size(), 8);
  const linalg::Matrix keys = encoder->encode(kTexts);
  for (std::size_t i = 0; i < kTexts.size(); ++i) {
    const auto row = static_cast<linalg::Index>(i);
    EXPECT_NEAR(keys.row(row).norm(), 1.0F, 1e-6F);
    const linalg::Matrix alone = encoder->encode(std::vector<std::string>{kTexts[i]});
    EXPECT_LT((keys.row(row) - alone.row(0)).cwiseAbs().maxCoeff(), 1e-5F) << kTexts[i];
  }
  EXPECT_GT((keys.row(0) - keys.row(6)).cwiseAbs().maxCoeff(), 1e-3F) << "different texts must differ";
}

TEST(MiniLm, TheCutOfBatchesDoesNotMatterAndTheSameCutGivesTheSameBits) {
  const MiniLmFolder folder;
  const linalg::Matrix whole = load_minilm(folder.path())->encode(kTexts);
  EXPECT_EQ(whole, load_minilm(folder.path())->encode(kTexts));
  for (const std::size_t tokens : {std::size_t{0}, std::size_t{4}, std::size_t{9}}) {
    EXPECT_LT((whole - load_minilm(folder.path(), {.batch_tokens = tokens})->encode(kTexts)).cwiseAbs().maxCoeff(),
              1e-5F);
  }
}

TEST(MiniLm, OnlyTheBeginningOfALongTextCounts) {
  const MiniLmFolder folder;
  const auto encoder = load_minilm(folder.path());
  const linalg::Matrix keys = encoder->encode(std::vector<std::string>{"a b c sea", "a b c sea wind wind", "a b c"});
  EXPECT_LT((keys.row(0) - keys.row(1)).cwiseAbs().maxCoeff(), 1e-6F);
  EXPECT_GT((keys.row(0) - keys.row(2)).cwiseAbs().maxCoeff(), 1e-3F);
}

TEST(MiniLm, ThePiecesOfTheVocabularyHaveTheKeysOfTheirTexts) {
  const MiniLmFolder folder;
  const linalg::Matrix pieces = encode_vocabulary(folder.path(), {.batch_tokens = 9});
  ASSERT_EQ(pieces.rows(), 10);
  const std::vector<std::string> words{"sea", "wind", "c"};
  const linalg::Matrix keys = load_minilm(folder.path())->encode(words);
  for (const auto& [word, piece] : {std::pair{0, 3}, {1, 5}, {2, 9}})
    EXPECT_LT((pieces.row(piece) - keys.row(word)).cwiseAbs().maxCoeff(), 1e-5F) << piece;
}

TEST(MiniLm, NoTextsGiveNoKeys) {
  const MiniLmFolder folder;
  const linalg::Matrix keys = load_minilm(folder.path())->encode({});
  EXPECT_EQ(keys.rows(), 0);
  EXPECT_EQ(keys.cols(), 8);
}

TEST(MiniLm, WrongAndMissingTensorsAreListedTogether) {
  MiniLmFolder folder;
  folder.erase("encoder.layer.0.attention.self.key.bias");
  folder.set("encoder.layer.1.intermediate.dense.weight", {8, 12});
  folder.save();
  EXPECT_THAT([&] { static_cast<void>(load_minilm(folder.path())); },
              ThrowsMessage<base::FormatError>(AllOf(
                  HasSubstr("model.safetensors"),
                  HasSubstr("encoder.layer.0.attention.self.key.bias: expected FLOAT [8], missing"),
                  HasSubstr("encoder.layer.1.intermediate.dense.weight: expected FLOAT [12, 8], found F32 [8, 12]"))));
}

TEST(MiniLm, ATruncatedFileIsRefused) {
  const MiniLmFolder folder;
  const auto path = folder.path() / "model.safetensors";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  EXPECT_THAT([&] { static_cast<void>(load_minilm(folder.path())); },
              ThrowsMessage<base::FormatError>(HasSubstr("cut short")));
}

TEST(MiniLm, AMissingFileIsNamed) {
  for (const std::string file : {"config.json", "model.safetensors", "tokenizer.json"}) {
    const MiniLmFolder folder;
    std::filesystem::remove(folder.path() / file);
    EXPECT_THAT([&] { static_cast<void>(load_minilm(folder.path())); },
                ThrowsMessage<base::MissingInputError>(HasSubstr(file)));
  }
}

TEST(MiniLm, AVocabularyThatDoesNotFitIsRefused) {
  MiniLmFolder folder;
  folder.change("config.json", "/vocab_size", 9);
  folder.set("embeddings.word_embeddings.weight", {9, 8});
  folder.save();
  EXPECT_THAT([&] { static_cast<void>(load_minilm(folder.path())); },
              ThrowsMessage<base::FormatError>(HasSubstr("10 pieces")));
}

TEST(MiniLm, AVocabularyWithoutClsIsRefused) {
  const MiniLmFolder folder;
  folder.change("tokenizer.json", "/model/vocab/[CLX]", 1);
  auto json = nlohmann::json::parse(base::read_file(folder.path() / "tokenizer.json"));
  json["model"]["vocab"].erase("[CLS]");
  folder.put("tokenizer.json", json);
  EXPECT_THAT([&] { static_cast<void>(load_minilm(folder.path())); },
              ThrowsMessage<base::FormatError>(HasSubstr("[CLS]")));
}

TEST(MiniLm, WeightsThatAreNotFiniteAreNoticed) {
  MiniLmFolder folder;
  folder.fill("encoder.layer.1.output.dense.bias", std::numeric_limits<float>::quiet_NaN());
  folder.save();
  const auto encoder = load_minilm(folder.path());
  EXPECT_THAT([&] { static_cast<void>(encoder->encode(kTexts)); },
              ThrowsMessage<base::NumericalError>(HasSubstr("not finite")));
}

}  // namespace
}  // namespace larimar::model
