#include "shard/block_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/error.h"
#include "tests/support/fake_networks.h"
#include "tests/support/temporary_text.h"

namespace larimar::shard {
namespace {

using linalg::Index;

/// An encoder over fake networks.
struct Bench {
  explicit Bench(const EncodingRules& rules = {}, std::size_t max_tokens = 100)
      : codes(5, max_tokens), encoder(codes, keys, tokenizer, rules) {}
  EncodedBlock encode(std::string_view block) { return encoder.encode(block, {"folder/book.txt", 1000, 20}); }
  std::string refusal(std::string_view block) {
    try {
      static_cast<void>(encode(block));
    } catch (const base::FormatError& error) {
      return error.what();
    }
    return "accepted";
  }
  support::ByteTokenizer tokenizer;
  support::FakeCodes codes;
  support::FakeKeys keys{7};
  BlockEncoder encoder;
};

constexpr std::string_view kBlock =
    "\nThe red door was shut.\nAnna had the key in her hand all day.\n\nNobody else was there that day.\n";

TEST(BlockEncoder, PlacesAndLinesAreThoseOfTheBlock) {
  Bench bench;
  const EncodedBlock block = bench.encode(kBlock);
  ASSERT_EQ(block.places.size(), 3U);
  EXPECT_EQ(kBlock.substr(block.places[0].span.begin, block.places[0].span.size()), "The red door was shut.");
  EXPECT_EQ(kBlock.substr(block.places[2].span.begin, block.places[2].span.size()), "Nobody else was there that day.");
  EXPECT_EQ(block.places[0].line, 1U);
  EXPECT_EQ(block.places[1].line, 2U);
  EXPECT_EQ(block.places[2].line, 4U);
  EXPECT_EQ(block.tokens, 22U + 37U + 31U);
  EXPECT_EQ(block.masked_bytes, 0U);
  EXPECT_EQ(block.codes.rows(), 3);
}

TEST(BlockEncoder, KeyModesMakeKeysFromTheRightText) {
  EncodingRules rules;
  rules.key_mode = KeyMode::kSegment;
  Bench whole(rules);
  EXPECT_THAT(whole.encode(kBlock).key_owner, testing::ElementsAre(0, 1, 2));
  EXPECT_THAT(whole.keys.seen, testing::Contains("Anna had the key in her hand all day."));

  rules.key_mode = KeyMode::kPrefix;
  rules.prefix_words = 3;
  Bench prefix(rules);
  EXPECT_THAT(prefix.encode(kBlock).key_owner, testing::ElementsAre(0, 1, 2));
  EXPECT_THAT(prefix.keys.seen, testing::ElementsAre("The red door", "Anna had the", "Nobody else was"));

  rules.key_mode = KeyMode::kSentence;
  rules.segments.form = text::SegmentForm::kWindow;
  rules.segments.max_tokens = 80;
  Bench sentences(rules);
  const EncodedBlock block = sentences.encode(kBlock);
  EXPECT_EQ(block.places.size(), 2U);
  EXPECT_THAT(block.key_owner, testing::ElementsAre(0, 0, 1));
  EXPECT_THAT(sentences.keys.seen,
              testing::ElementsAre("The red door was shut.", "Anna had the key in her hand all day.",
                                   "Nobody else was there that day."));
  EXPECT_EQ(block.keys.rows(), 3);
}

TEST(BlockEncoder, CodesBelongToTheirSegmentsWhateverTheOrderOfBatches) {
  Bench bench;
  const std::string prose = support::random_prose(9'000, 1);
  const EncodedBlock block = bench.encode(prose);
  EXPECT_GT(bench.codes.batches.size(), 2U) << "the test needs several batches";
  const auto segments = text::cut_segments(prose, bench.tokenizer, EncodingRules{}.segments);
  ASSERT_EQ(segments.size(), block.places.size());
  for (std::size_t i = 0; i < segments.size(); ++i) {
    EXPECT_TRUE(bench.codes.encode(std::vector<std::vector<text::TokenId>>{segments[i].tokens}).row(0) ==
                block.codes.row(static_cast<Index>(i)))
        << "segment " << i;
  }
}

TEST(BlockEncoder, BatchesDependOnTheBlockAlone) {
  const std::string prose = support::random_prose(9'000, 2);
  Bench alone, after;
  static_cast<void>(alone.encode(prose));
  static_cast<void>(after.encode(support::random_prose(5'000, 3)));
  after.codes.batches.clear();
  static_cast<void>(after.encode(prose));
  EXPECT_EQ(after.codes.batches, alone.codes.batches);
}

TEST(BlockEncoder, SegmentsNeverExceedTheEncodersLimit) {
  EncodingRules rules;
  rules.segments.max_tokens = 4096;
  Bench bench(rules, 40);
  EXPECT_GT(bench.encode(support::random_prose(4'000, 4) + std::string(500, 'x')).places.size(), 50U)
      << "FakeCodes refuses longer ones";
}

TEST(BlockEncoder, InvalidUtf8IsMaskedAndCountedOrRefused) {
  const std::string bad = "A caf\xE9 was open. Nothing else, \xFF\xFE was open.\n";
  Bench mild;
  const EncodedBlock block = mild.encode(bad);
  EXPECT_EQ(block.masked_bytes, 3U);
  EXPECT_EQ(block.places.back().span.end, bad.size() - 1) << "positions are those of the file";
  EXPECT_THAT(mild.keys.seen.front(), testing::HasSubstr("A caf? was"));
  EncodingRules rules;
  rules.strict = true;
  EXPECT_THAT(Bench(rules).refusal(bad),
              testing::AllOf(testing::HasSubstr("folder/book.txt"), testing::HasSubstr("byte 1005 ")));
  EXPECT_EQ(Bench(rules).refusal("A caf\u00e9.\n"), "accepted");
  EXPECT_THAT(Bench(rules).refusal(std::string("nul \0 byte", 10)), testing::HasSubstr("byte 1004 "));
}

TEST(BlockEncoder, ALineAboveTheLimitIsRefusedByItsNumber) {
  EncodingRules rules;
  rules.max_line_bytes = 30;
  EXPECT_THAT(Bench(rules).refusal("short\n\n" + std::string(31, 'x') + "\n"),
              testing::AllOf(testing::HasSubstr("folder/book.txt: line 22 (byte 1007) has 31 bytes"),
                             testing::HasSubstr("--max-line 30")));
  EXPECT_THAT(Bench(rules).refusal("short\n" + std::string(31, 'x')), testing::HasSubstr("line 21 "))
      << "the last line has no end";
  EXPECT_EQ(Bench(rules).refusal(std::string(30, 'x') + "\n" + std::string(30, 'y')), "accepted");
}

TEST(BlockEncoder, ABlockWithoutTextIsEmpty) {
  Bench bench;
  for (const std::string_view block : {"", "\n", " \t\r\n \n"}) {
    const EncodedBlock encoded = bench.encode(block);
    EXPECT_TRUE(encoded.places.empty() && encoded.key_owner.empty());
    EXPECT_EQ(encoded.codes.rows() + encoded.keys.rows(), 0);
    EXPECT_EQ(encoded.keys.cols(), 7);
  }
}

}  // namespace
}  // namespace larimar::shard
