// A shard's logs on disk: written, synced, forgotten, written elsewhere, read back into a memory.
#include "shard/stored_segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "common/base/error.h"
#include "common/wire/plan.h"
#include "shard/log_writers.h"
#include "tests/support/memory_rules.h"
#include "tests/unit/store/support.h"

namespace larimar::shard {
namespace {

using store::kCodeSize;
using store::kKeySize;
using store::OwnedRecord;

/// A folder that blocks are written to by some number of shards, and read by another.
class StoredSegmentsTest : public testing::Test {
 protected:
  StoredSegmentsTest()
      : folder_(
            store::Folder::create(store::real_file_system(), path(), store::small_manifest(), store::test_owner())) {}

  [[nodiscard]] std::filesystem::path path() const { return files_.folder() / "memory"; }

  /// Blocks into the logs of their shards, and the manifest that makes them count.
  template <class Change>
  void change(std::size_t shards, const Change& change) {
    store::Manifest next = folder_.manifest();
    for (std::uint32_t s = 0; s < shards; ++s) {
      LogWriters logs(folder_, {s}, shards);
      change(s, logs);
      logs.sync();
      for (const store::LogState& state : logs.states()) next.set_log(state);
    }
    folder_.commit(next);
  }
  void write(const std::vector<std::uint64_t>& blocks, std::size_t shards, std::size_t segments = 3) {
    change(shards, [&](std::uint32_t s, LogWriters& logs) {
      for (const std::uint64_t block : blocks) {
        if (wire::shard_of_block(block, shards) == s && !logs.has(block))
          logs.append(OwnedRecord(block, segments).record);
      }
    });
  }
  void forget(std::uint32_t log, const std::vector<std::uint64_t>& ids) {
    change(1, [&](std::uint32_t, LogWriters& logs) { logs.forget(log, ids); });
  }

  [[nodiscard]] StoredSegments stored(std::uint32_t shard = 0, std::size_t shards = 1) const {
    return {folder_, logs_of_shard(folder_.manifest(), {shard}, shards)};
  }
  [[nodiscard]] static ShardMemory loaded(const StoredSegments& stored) {
    ShardMemory memory({.code_size = kCodeSize, .key_size = kKeySize});
    stored.load(memory);
    memory.solve();
    return memory;
  }
  [[nodiscard]] static std::vector<float> code_of(const ShardMemory& memory, std::uint64_t id) {
    const auto slot = memory.segments().find({id});
    if (!slot) return {};
    const auto code = memory.code(*slot);
    return {code.begin(), code.end()};
  }
  [[nodiscard]] static std::vector<float> code_in(const OwnedRecord& record, std::size_t segment) {
    const auto first = record.codes.begin() + static_cast<std::ptrdiff_t>(segment * kCodeSize);
    return {first, first + kCodeSize};
  }

  /// Segment 20 of block 0 comes again with another block.
  void expect_twice_is_damage(std::uint64_t block) {
    write({0}, 1);
    OwnedRecord twice(block, 1);
    twice.segments[0].id = 20;
    twice.record.segments = twice.segments;
    change(1, [&](std::uint32_t, LogWriters& logs) { logs.append(twice.record); });
    try {
      static_cast<void>(stored());
      ADD_FAILURE() << "segment 20 was accepted twice";
    } catch (const base::FormatError& error) {
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("segment 20"), testing::HasSubstr("log.00")));
    }
  }

  support::TemporaryText files_;
  store::Folder folder_;
};

TEST_F(StoredSegmentsTest, WhatSeveralShardsWroteIsReadByAnyNumber) {
  const std::vector<std::uint64_t> blocks{0, 1, 2, 5, 256, 258, 300};
  write(blocks, 3);
  for (const std::size_t shards : {1UL, 2UL, 5UL, 8UL}) {
    std::size_t segments = 0;
    for (std::uint32_t s = 0; s < shards; ++s) {
      const StoredSegments part = stored(s, shards);
      const ShardMemory memory = loaded(part);
      EXPECT_EQ(memory.live(), part.totals().segments);
      segments += memory.live();
      for (const std::uint64_t block : blocks) {
        const bool mine = wire::shard_of_block(block, shards) == s;
        const OwnedRecord record(block, 3);
        for (std::size_t i = 0; i < 3; ++i) {
          const std::uint64_t id = record.segments[i].id;
          EXPECT_EQ(code_of(memory, id), mine ? code_in(record, i) : std::vector<float>{}) << "block " << block;
          EXPECT_EQ(part.log_of({id}).has_value(), mine);
        }
      }
    }
    EXPECT_EQ(segments, 3 * blocks.size()) << shards << " shards";
  }
  EXPECT_EQ(stored().log_of({OwnedRecord(258, 3).segments[1].id}), 2U);
}

TEST_F(StoredSegmentsTest, ABlockThatIsThereIsNotWrittenAgain) {
  write({0, 1, 256}, 2);
  const store::Manifest before = folder_.manifest();
  write({0, 1, 256}, 3);
  EXPECT_EQ(folder_.manifest().logs, before.logs);
  write({512}, 2);
  EXPECT_NE(folder_.manifest().logs, before.logs);
}

TEST_F(StoredSegmentsTest, TheForgottenAreGoneWithTheirKeys) {
  write({0, 1, 256}, 1);
  const OwnedRecord record(256, 3);
  forget(0, {record.segments[1].id, 10});
  const StoredSegments part = stored();
  EXPECT_EQ(part.totals().segments, 7U);
  EXPECT_EQ(part.totals().forgotten, 2U);
  EXPECT_EQ(part.log_of({record.segments[1].id}), std::nullopt);
  const ShardMemory memory = loaded(part);
  EXPECT_EQ(code_of(memory, record.segments[1].id), std::vector<float>{});
  EXPECT_EQ(code_of(memory, record.segments[0].id), code_in(record, 0));
  EXPECT_EQ(code_of(memory, record.segments[2].id), code_in(record, 2));
  // The same candidates as a memory to which the two were never written.
  linalg::Matrix query(1, kKeySize);
  query << 0.3F, 0.9F;
  for (const wire::Candidate& candidate : memory.read_candidates(query, 7)) {
    EXPECT_FALSE(wire::is_absent(candidate));
    EXPECT_NE(candidate.segment.value, record.segments[1].id);
    EXPECT_NE(candidate.segment.value, 10U);
  }
}

TEST_F(StoredSegmentsTest, AForgottenSegmentThatIsWrittenElsewhereCountsThere) {
  write({0, 1}, 1);
  forget(0, {10});
  OwnedRecord again(2, 1);
  again.segments[0].id = 10;
  again.record.segments = again.segments;
  change(2, [&](std::uint32_t s, LogWriters& logs) {
    if (wire::shard_of_block(2, 2) == s) logs.append(again.record);
  });
  const StoredSegments part = stored();
  EXPECT_EQ(part.log_of({10}), 2U);
  EXPECT_EQ(code_of(loaded(part), 10), code_in(again, 0));
  // And again: a forget reaches only what stands before it in its own log.
  forget(2, {10});
  EXPECT_EQ(stored().log_of({10}), std::nullopt);
}

TEST_F(StoredSegmentsTest, ASegmentThatIsTwiceInOneLogIsDamage) { expect_twice_is_damage(256); }
TEST_F(StoredSegmentsTest, ASegmentThatIsInTwoLogsIsDamage) { expect_twice_is_damage(1); }

TEST_F(StoredSegmentsTest, DocumentsAndTotals) {
  write({0, 1, 1000, 1001, 2000}, 2, 2);
  forget(1, {100});
  const StoredSegments part = stored();
  EXPECT_THAT(part.ids_of_documents({0}),
              testing::ElementsAre(base::SegmentId{0}, base::SegmentId{10}, base::SegmentId{110}));
  EXPECT_EQ(part.ids_of_documents({1, 2}).size(), 6U);
  EXPECT_TRUE(part.ids_of_documents({3}).empty());
  EXPECT_EQ(part.totals().blocks, 5U);
  EXPECT_EQ(part.totals().tokens, 5U * 14);
  EXPECT_EQ(part.totals().bytes, 5U * 100);
}

TEST_F(StoredSegmentsTest, ASampleOfKeysDoesNotDependOnTheShards) {
  std::vector<std::uint64_t> blocks;
  for (std::uint64_t block = 0; block < 60; ++block) blocks.push_back(block);
  write(blocks, 4);
  forget(7, {700});
  for (const std::uint64_t stride : {1UL, 3UL, 10UL}) {
    std::multimap<std::uint64_t, std::vector<float>> expected;
    for (const std::size_t shards : {1UL, 2UL, 3UL, 5UL}) {
      std::multimap<std::uint64_t, std::vector<float>> found;
      for (std::uint32_t s = 0; s < shards; ++s) {
        const StoredSegments::KeySample sample = stored(s, shards).sample_keys(stride);
        ASSERT_EQ(sample.keys.rows(), static_cast<linalg::Index>(sample.ids.size()));
        for (std::size_t i = 0; i < sample.ids.size(); ++i) {
          const auto row = sample.keys.row(static_cast<linalg::Index>(i));
          found.emplace(sample.ids[i].value, std::vector<float>(row.begin(), row.end()));
        }
      }
      if (shards == 1) expected = found;
      EXPECT_EQ(found, expected) << shards << " shards, stride " << stride;
    }
    EXPECT_EQ(expected.count(700), 0U) << "forgotten";
    EXPECT_GT(expected.size(), 0U);
    if (stride == 1) {
      EXPECT_EQ(expected.size(), 60U * 4 - 1) << "one of three segments has two keys";
    } else {
      EXPECT_LT(expected.size(), 60U * 4 / stride * 2);
    }
  }
}

TEST_F(StoredSegmentsTest, WhatIsReadInPlaceIsWhatIsCopied) {
  write({0, 1, 256, 257, 300}, 2);
  forget(0, {OwnedRecord(256, 3).segments[1].id});  // of that record the rest is copied
  const ShardMemory copied = loaded(stored());
  ShardMemory mapped({.code_size = kCodeSize, .key_size = kKeySize, .key_store = KeyStore::kInt8});
  std::vector<store::LogReader> logs;
  {
    StoredSegments part = stored();
    part.load(mapped, Keep::kBorrow);
    logs = std::move(part).take_logs();
  }
  mapped.solve();
  EXPECT_EQ(logs.size(), 3U) << "blocks 0 and 256, 1 and 257, 300";
  const linalg::Matrix queries = linalg::Matrix::Random(5, kKeySize);
  EXPECT_EQ(mapped.read_candidates(queries, 20), copied.read_candidates(queries, 20));
  ASSERT_EQ(mapped.size(), 14U);
  for (std::uint32_t slot = 0; slot < mapped.size(); ++slot)
    EXPECT_TRUE(std::ranges::equal(mapped.code({slot}), copied.code({slot}))) << slot;
}

TEST_F(StoredSegmentsTest, ACodebookMemoryIsLoadedFromTheLogs) {
  write({0, 1, 2, 3}, 2);
  linalg::Matrix rows(2, kKeySize);
  rows << 0.2F, 0.2F, 0.8F, 0.8F;
  const support::NearestMemory kind(rows);
  ShardMemory memory({.rules = kind.rules, .code_size = kCodeSize, .key_size = kKeySize, .addresser = kind.addresser});
  stored().load(memory);
  memory.solve();
  const SlotReads reads = memory.read_slots(rows, 1, 2);
  EXPECT_EQ(reads.reads[0].count + reads.reads[1].count, 4U * 4) << "one equation for each key";
}

TEST_F(StoredSegmentsTest, ADamagedLogIsNamed) {
  write({0, 1}, 1);
  const std::filesystem::path log = path() / store::log_name(1);
  std::string bytes = store::bytes_of_file(log);
  bytes[bytes.size() - 100] = static_cast<char>(bytes[bytes.size() - 100] ^ 1);
  store::write_bytes(log, bytes);
  try {
    static_cast<void>(stored());
    ADD_FAILURE() << "a damaged log was read";
  } catch (const base::FormatError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("log.001"));
  }
  const StoredSegments rest(folder_, logs_of_shard(folder_.manifest(), {0}, 1), store::OnDamage::kSalvage);
  EXPECT_EQ(rest.totals().segments, 3U) << "the other log is whole";
  EXPECT_FALSE(rest.damages().empty());
}

TEST_F(StoredSegmentsTest, WhatIsNotCommittedIsNotRead) {
  write({0}, 1);
  LogWriters logs(folder_, {0}, 1);
  logs.append(OwnedRecord(256, 3).record);
  logs.sync();
  EXPECT_EQ(stored().totals().segments, 3U);
  const StoredSegments all(folder_, logs.states());
  EXPECT_EQ(all.totals().segments, 6U);
}

}  // namespace
}  // namespace larimar::shard
