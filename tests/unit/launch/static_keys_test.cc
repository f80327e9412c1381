#include "launch/static_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/base/error.h"
#include "common/model/static_table.h"
#include "launch/model_ids.h"
#include "tests/unit/model/minilm_folder.h"

namespace larimar::launch {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// A tiny network with a table made from it.
struct Made {
  model::MiniLmFolder network;
  JobSetup setup;
  linalg::Matrix vectors = linalg::Matrix::Random(10, 4);

  Made() {
    setup.keys = "static";
    setup.keys_folder = network.path();
    setup.key_table = network.path() / "table.safetensors";
    write("none", key_table_source(network.path()));
    write(checksum(), key_table_source(network.path()));
  }
  /// Of the file as it is.
  [[nodiscard]] std::string checksum() const { return table_checksum(model::StaticTable(setup.key_table)); }
  void write(const std::string& checksum, const std::string& source) const {
    model::write_static_table(setup.key_table, vectors, {{"checksum", checksum}, {"source", source}});
  }
};

TEST(StaticKeysFile, IsNamedByItsHash) {
  Made made;
  EXPECT_EQ(load_static_keys(made.setup)->key_size(), 4);
  const std::string id = keys_id(made.setup);
  EXPECT_EQ(keys_named(id), "static");
  made.vectors(0, 0) += 1.0F;
  made.write("", "");
  EXPECT_NE(keys_id(made.setup), id);
  EXPECT_EQ(keys_named("minilm 1234"), "minilm");
  EXPECT_EQ(keys_named("codes from a file"), "model");
}

TEST(StaticKeysFile, ChangedVectorsAndOtherNetworksAreRefused) {
  Made made;
  const auto load = [&] { static_cast<void>(load_static_keys(made.setup)); };
  const std::string was = made.checksum();
  made.vectors(3, 1) += 1.0F;
  made.write(was, key_table_source(made.network.path()));
  EXPECT_THAT(load, ThrowsMessage<base::FormatError>(HasSubstr("damaged")));
  made.write(made.checksum(), key_table_source(made.network.path()));
  EXPECT_NO_THROW(load());
  made.network.fill("encoder.layer.0.output.dense.bias", 0.5F);
  made.network.save();
  EXPECT_THAT(load, ThrowsMessage<base::ConfigError>(HasSubstr("was made from")));
}

/// Keys by text: what MiniLM would say.
class Told final : public model::KeyEncoder {
 public:
  explicit Told(std::map<std::string, float> cosines) : cosines_(std::move(cosines)) {}
  linalg::Index key_size() const override { return 2; }
  std::string name() const override { return "told"; }
  linalg::Matrix encode(std::span<const std::string> texts) override {
    linalg::Matrix keys(static_cast<linalg::Index>(texts.size()), 2);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const float cosine = cosines_.at(texts[i]);
      keys.row(static_cast<linalg::Index>(i)) << cosine, std::sqrt(1.0F - cosine * cosine);
    }
    return keys;
  }

 private:
  std::map<std::string, float> cosines_;
};

AnsweredBatch batch_of(std::span<const coordinator::Query> queries, const std::vector<std::string>& texts) {
  AnsweredBatch batch;
  batch.queries = queries;
  coordinator::BatchRead& read = batch.decoded.read;
  read.reads = texts.size() / queries.size();
  read.z_read = linalg::Matrix::Zero(static_cast<linalg::Index>(texts.size()), 1);
  for (const std::string& text : texts) {
    read.records.push_back({.status = text.empty() ? wire::ReadStatus::kEmpty : wire::ReadStatus::kOk});
    read.scores.push_back(0.0F);
    read.weights.push_back(0.0);
  }
  read.margin.resize(queries.size());
  read.slots.resize(queries.size());
  batch.decoded.texts = texts;
  return batch;
}

TEST(Shortlist, TheMostSimilarTextsComeFirstWithTheirCosines) {
  Told ranker({{"q", 1.0F}, {"One. Two.", 0.2F}, {"Three.", 0.6F}, {"Four.", 0.4F}});
  const std::vector<coordinator::Query> queries{{.text = "q"}, {.text = "q"}};
  AnsweredBatch batch = batch_of(queries, {"One. Two.", "Three.", "Four.", "Four.", "", ""});
  rank_shortlist(ranker, {}, 2, batch);
  EXPECT_EQ(batch.decoded.texts, (std::vector<std::string>{"Three.", "Four.", "Four.", ""}));
  EXPECT_FLOAT_EQ(batch.decoded.read.scores[0], 0.6F);
  EXPECT_FLOAT_EQ(batch.decoded.read.scores[2], 0.4F);
  EXPECT_EQ(batch.decoded.read.reads, 2U);
}

TEST(Shortlist, ATextCountsAsItsWriteKeyWouldBeMade) {
  Told ranker(
      {{"q", 1.0F}, {"One. Two.", 0.2F}, {"One.", 0.1F}, {"Two.", 0.9F}, {"Three.", 0.6F}, {"Three. Two.", 0.3F}});
  const std::vector<coordinator::Query> queries{{.text = "q"}};
  AnsweredBatch batch = batch_of(queries, {"Three.", "One. Two."});
  rank_shortlist(ranker, {.segments = {}, .key_mode = shard::KeyMode::kSentence}, 2, batch);
  EXPECT_EQ(batch.decoded.texts[0], "One. Two.") << "its best sentence";
  batch = batch_of(queries, {"One. Two.", "Three. Two."});
  rank_shortlist(ranker, {.segments = {}, .key_mode = shard::KeyMode::kPrefix, .prefix_words = 1}, 2, batch);
  EXPECT_FLOAT_EQ(batch.decoded.read.scores[0], 0.6F) << "the first word of each";
}

}  // namespace
}  // namespace larimar::launch
