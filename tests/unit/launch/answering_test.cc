#include "launch/answering.h"

#include <gtest/gtest.h>

#include "tests/support/temporary_text.h"

namespace larimar::launch {
namespace {

using coordinator::AnswerRecord;
using wire::ReadStatus;

/// A context of three sentences, and reads of it.
struct Bench {
  static constexpr std::string_view kText = "The first one. The second one.\nThe third one.";
  support::TemporaryText files;
  std::vector<std::filesystem::path> documents{files.write("c.txt", kText)};
  std::vector<coordinator::Query> queries{{.id = "a", .text = "The first"}, {.id = "b", .text = "The second"}};

  static wire::CodeRecord record(std::uint64_t begin, std::uint64_t end, std::uint64_t line) {
    return {.segment = {begin}, .byte_begin = begin, .byte_end = end, .line = line};
  }
  static wire::CodeRecord nothing() { return {.status = ReadStatus::kEmpty}; }

  std::vector<AnswerRecord> answers(const coordinator::BatchRead& read, const std::vector<std::string>& texts) const {
    AnsweredBatch batch;
    batch.queries = queries;
    batch.decoded = {read, texts};
    const std::size_t k = read.records.size() / queries.size();
    for (std::size_t q = 0; q < queries.size(); ++q)
      batch.best_score.push_back(static_cast<double>(read.scores[q * k]));
    batch.times = {.keys = 1.0, .read = 2.0, .decode = 4.0};
    std::vector<AnswerRecord> found;
    append_answers(batch, documents, 0.3, found);
    return found;
  }
};

std::vector<double> weights(const AnswerRecord& answer) {
  std::vector<double> all;
  for (const auto& citation : answer.citations) all.push_back(citation.weight);
  return all;
}

TEST(Answering, StoredReadsCiteASegmentForEachText) {
  const Bench bench;
  coordinator::BatchRead read;
  read.reads = 2;
  read.records = {Bench::record(0, 14, 1), Bench::record(15, 30, 1), Bench::record(31, 45, 2), Bench::nothing()};
  read.scores = {0.9F, 0.5F, 0.25F, 0.0F};
  read.margin = {0.4F, std::nullopt};
  read.weights = {1.0, 0.0, 1.0, 0.0};
  const auto found = bench.answers(read, {"The first one.", "The second one.", "The third one.", ""});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].answer, "one.");
  EXPECT_EQ(found[0].decoded.size(), 2U);
  EXPECT_EQ(found[0].citations[1].excerpt, "The second one.");
  EXPECT_EQ(weights(found[0]), (std::vector{1.0, 0.0}));
  EXPECT_TRUE(found[0].in_scope);
  EXPECT_EQ(found[0].timings.at("decode"), 2.0) << "the share of one of two queries";
  EXPECT_EQ(found[1].decoded, std::vector<std::string>{"The third one."});
  EXPECT_EQ(found[1].citations.front().line, 2U);
  EXPECT_FALSE(found[1].in_scope);
  EXPECT_FALSE(found[1].margin.has_value());
}

TEST(Answering, MembersOfACodebookRowShareItsMeanWhateverTheOtherQueriesRead) {
  const Bench bench;
  coordinator::BatchRead read;
  read.reads = 1;
  read.records = {Bench::record(0, 14, 1), Bench::nothing(), Bench::record(15, 30, 1), Bench::record(31, 45, 2)};
  read.scores = {0.9F, 0.0F, 0.5F, 0.4F};
  read.margin = {std::nullopt, 0.1F};
  read.weights = {1.0, 1.0, 0.25, 0.25};
  const auto found = bench.answers(read, {"The first one.", "The second one."});
  EXPECT_EQ(weights(found[0]), std::vector{1.0});
  EXPECT_EQ(weights(found[1]), (std::vector{0.25, 0.25}));
}

TEST(Answering, NothingReadIsAnEmptyAnswerOutOfScope) {
  const Bench bench;
  coordinator::BatchRead read;
  read.records = {Bench::nothing(), Bench::nothing()};
  read.scores = {0.0F, 0.0F};
  read.margin = {std::nullopt, std::nullopt};
  read.weights = {1.0, 1.0};
  for (const AnswerRecord& answer : bench.answers(read, {"", ""})) {
    EXPECT_TRUE(answer.answer.empty() && answer.decoded.empty() && answer.citations.empty());
    EXPECT_FALSE(answer.in_scope);
  }
}

}  // namespace
}  // namespace larimar::launch
