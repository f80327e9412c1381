#include "shard/shard_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/base/error.h"
#include "common/wire/message.h"
#include "tests/support/fake_networks.h"
#include "tests/support/temporary_text.h"

namespace larimar::shard {
namespace {

/// What one shard of several holds after ingest and write.
struct Bench {
  Bench(std::size_t shard, std::size_t shards, const text::Corpus& corpus, BlockCache* cache = nullptr,
        const EncodingRules& rules = {})
      : encoder(codes, keys, tokenizer, rules), service({{static_cast<std::uint32_t>(shard)}, shards, 5, 7}) {
    stats = service.ingest(corpus, {.encoder = encoder, .cache = cache, .rules = "segment"},
                           [this](const IngestStats& now) { reported.push_back(now.blocks_done); });
  }
  support::ByteTokenizer tokenizer;
  support::FakeCodes codes{5};
  support::FakeKeys keys{7};
  BlockEncoder encoder;
  ShardService service;
  IngestStats stats;
  std::vector<std::uint64_t> reported;
};

std::vector<SegmentInfo> segments_of(Bench& bench) {
  bench.service.write({}, nullptr);
  std::vector<SegmentInfo> segments;
  for (std::uint32_t slot = 0; slot < bench.service.memory().size(); ++slot)
    segments.push_back(bench.service.memory().segment({slot}));
  return segments;
}

struct Context {
  explicit Context(const std::vector<std::string>& texts) : documents(texts) {
    for (std::size_t i = 0; i < texts.size(); ++i)
      paths.push_back(files.write("d" + std::to_string(i) + ".txt", texts[i]));
    corpus.emplace(paths);
  }
  support::TemporaryText files;
  std::vector<std::string> documents;
  std::vector<std::filesystem::path> paths;
  std::optional<text::Corpus> corpus;
};

void expect_every_segment_once(const Context& context, std::size_t shards) {
  std::map<base::SegmentId, SegmentInfo> all;
  std::uint64_t bytes = 0;
  for (std::size_t s = 0; s < shards; ++s) {
    Bench bench(s, shards, *context.corpus);
    bytes += bench.stats.bytes;
    EXPECT_EQ(bench.stats.blocks_done, bench.stats.blocks);
    EXPECT_EQ(bench.reported.size(), bench.stats.blocks);
    const auto segments = segments_of(bench);
    EXPECT_EQ(segments.size(), bench.stats.segments);
    EXPECT_TRUE(std::ranges::is_sorted(segments, {}, &SegmentInfo::id));
    for (const SegmentInfo& segment : segments)
      EXPECT_TRUE(all.emplace(segment.id, segment).second) << "a segment in two shards";
  }
  EXPECT_EQ(bytes, context.corpus->bytes());
  std::vector<std::size_t> at(context.documents.size());
  for (const auto& [id, segment] : all) {
    const std::string& text = context.documents[segment.document];
    std::size_t& covered = at[segment.document];
    EXPECT_EQ(base::byte_of(id), segment.byte_begin);
    EXPECT_LE(covered, segment.byte_begin) << "segments overlap";
    EXPECT_THAT(text.substr(covered, segment.byte_begin - covered), testing::MatchesRegex("[ \n]*"))
        << "text in no segment";
    EXPECT_EQ(segment.line,
              1 + static_cast<std::uint64_t>(
                      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(segment.byte_begin), '\n')));
    covered = segment.byte_end;
  }
  for (std::size_t i = 0; i < at.size(); ++i)
    EXPECT_THAT(context.documents[i].substr(at[i]), testing::MatchesRegex("[ \n]*"));
}

TEST(ShardService, ShardsTogetherHoldEverySegmentExactlyOnce) {
  const Context context(
      {support::random_prose(70'000, 1), "One line without an end", support::random_prose(40'000, 2)});
  for (const std::size_t shards : {1UL, 2UL, 3UL, 5UL, 12UL}) {
    SCOPED_TRACE(std::to_string(shards) + " shards");
    expect_every_segment_once(context, shards);
  }
}

TEST(ShardService, LinesThroughManyBlocksAreCutOnce) {
  std::string line;
  while (line.size() < 60'000) line += "word and ";
  const Context context({"Start.\n" + line + "\nMiddle one.\n\n" + line + line + "\nThe end of it.\n", line});
  for (const std::size_t shards : {1UL, 4UL}) expect_every_segment_once(context, shards);
}

TEST(ShardService, TheCacheChangesNothingButTheWork) {
  const Context context({support::random_prose(40'000, 3), support::random_prose(40'000, 3)});
  BlockCache cache;
  Bench without(0, 1, *context.corpus), first(0, 1, *context.corpus, &cache), second(0, 1, *context.corpus, &cache);
  EXPECT_EQ(without.stats.cached_blocks, 0U);
  EXPECT_EQ(first.stats.cached_blocks, first.stats.blocks / 2) << "the second document is the first one again";
  EXPECT_EQ(second.stats.cached_blocks, second.stats.blocks);
  EXPECT_TRUE(second.codes.batches.empty());
  EXPECT_EQ(second.stats.tokens, without.stats.tokens);
  const auto expected = segments_of(without), found = segments_of(second);
  ASSERT_EQ(found.size(), expected.size());
  for (std::uint32_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].id, expected[i].id);
    EXPECT_EQ(found[i].line, expected[i].line);
    EXPECT_TRUE(std::ranges::equal(second.service.memory().code({i}), without.service.memory().code({i})));
  }
}

TEST(ShardService, ASampleOfKeysDoesNotDependOnTheShards) {
  const Context context({support::random_prose(70'000, 4)});
  const auto sample = [&](std::size_t shards) {
    std::map<base::SegmentId, std::vector<float>> keys;
    for (std::size_t s = 0; s < shards; ++s) {
      const Bench bench(s, shards, *context.corpus);
      const auto part = bench.service.sample_keys(4);
      EXPECT_LE(part.ids.size(), bench.service.key_rows());
      for (std::size_t i = 0; i < part.ids.size(); ++i) {
        const auto row = part.keys.row(static_cast<linalg::Index>(i));
        keys.emplace(part.ids[i], std::vector<float>(row.begin(), row.end()));
      }
    }
    return keys;
  };
  const auto one = sample(1);
  EXPECT_GT(one.size(), 50U);
  EXPECT_EQ(sample(3), one);
}

TEST(ShardService, ErrorsNameTheDocumentAndThePlaceInIt) {
  std::string bad = support::random_prose(50'000, 5);
  bad[40'000] = '\xFF';
  const Context context({support::random_prose(20'000, 6), bad});
  EncodingRules rules;
  rules.strict = true;
  const auto refusal = [&](std::size_t shards) {
    std::string text;
    for (std::size_t s = 0; s < shards; ++s) {
      try {
        Bench(s, shards, *context.corpus, nullptr, rules);
      } catch (const base::FormatError& error) {
        text += error.what();
      }
    }
    return text;
  };
  for (const std::size_t shards : {1UL, 3UL}) {
    EXPECT_THAT(refusal(shards),
                testing::AllOf(testing::HasSubstr("d1.txt"), testing::ContainsRegex("byte (39999|40000|40001) ")));
  }
}

TEST(ShardService, ADocumentThatChangesItsSizeIsRefused) {
  const Context context({support::random_prose(20'000, 7)});
  context.files.write("d0.txt", "shorter now");
  try {
    Bench(0, 1, *context.corpus);
    FAIL() << "accepted";
  } catch (const base::FormatError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("d0.txt"), testing::HasSubstr("changed its size")));
  }
}

TEST(ShardService, HandsOverItsOwnSegmentsInTheOrderOfTheChoice) {
  const Context context({support::random_prose(20'000, 8)});
  Bench bench(0, 1, *context.corpus);
  bench.service.write({}, nullptr);
  wire::ReadPlan plan{.queries = 2, .k = 2, .asked = 2, .key_size = 7, .code_size = 5, .step = 9};
  const std::vector<wire::ChosenSegment> chosen{{{0}, {3}, 0}, {{1}, {0}, 0}, {}, {{0}, {1}, 0}};
  const auto bytes = bench.service.hand_over(plan, chosen);
  ASSERT_EQ(bytes.size(), wire::codes_bytes(plan, 2));
  wire::ReadHeader expected;
  expected.kind = wire::ReadKind::kCodes;
  expected.rows = 2;
  expected.columns = 5;
  expected.step = 9;
  const auto message = wire::unpack<wire::CodeRecord>(bytes, expected, 2, 10);
  EXPECT_EQ(message.records[0].slot.value, 3U);
  EXPECT_EQ(message.records[1].slot.value, 1U);
  EXPECT_TRUE(std::ranges::equal(std::span(message.floats).first(5), bench.service.memory().code({3})));
  const std::vector<wire::ChosenSegment> beyond{{{0}, {static_cast<std::uint32_t>(bench.service.memory().size())}, 0}};
  EXPECT_THROW(static_cast<void>(bench.service.hand_over(plan, beyond)), base::CommError);
}

}  // namespace
}  // namespace larimar::shard
