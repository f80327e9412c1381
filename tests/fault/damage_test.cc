// Every bit of a small memory turned, every file cut at every length, zeros and garbage at its end, records swapped,
// stale or of other logs: all of it noticed, or proved harmless by reading the very same contents.
#include <gmock/gmock.h>

#include <iostream>
#include <optional>

#include "common/base/error.h"
#include "common/store/log_format.h"
#include "common/store/verify.h"
#include "tests/fault/support/memory_files.h"
#include "tests/unit/store/support.h"

namespace larimar::store {
namespace {

// Under the sanitizers, thirty times slower, the larger memory has every 17th bit turned: all positions within a byte.
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kBitStep = 17;
#else
constexpr std::size_t kBitStep = 1;
#endif

using Contents = std::map<std::string, std::string>;
const std::filesystem::path kPath = "/memory";

Contents memory_of(std::uint32_t shards, std::uint64_t records, std::uint64_t seed = 1) {
  MemoryFiles files;
  make_memory(files, kPath, shards, records, seed);
  return files.contents();
}

/// All that a memory says: each record of each log.
std::vector<std::string> texts_of(const Folder& folder, OnDamage on_damage, std::size_t* damages = nullptr) {
  std::vector<std::string> texts;
  for (const LogState& log : folder.manifest().logs) {
    LogReader reader = folder.read_log(log.shard, on_damage);
    while (const auto read = reader.next()) {
      texts.push_back(std::to_string(log.shard) + "/" + std::to_string(read->number) + " " + text_of(read->record));
    }
    if (damages != nullptr) *damages += reader.damages().size();
  }
  return texts;
}

class Damaged : public testing::Test {
 protected:
  void SetUp() override {
    whole_ = memory_of(2, 3);
    files_.set_contents(whole_);
    expected_ = texts_of(Folder::open_reading(files_, kPath), OnDamage::kThrow);
    ASSERT_EQ(expected_.size(), 7U);
  }

  /// Noticed when read strictly? If not, the contents must be the very same.
  bool is_noticed(const std::string& where) {
    try {
      EXPECT_EQ(texts_of(Folder::open_reading(files_, kPath), OnDamage::kThrow), expected_) << where;
      return false;
    } catch (const base::Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(kPath.string())) << where;
      return true;
    }
  }

  /// Reading on in spite of damage gives nothing that was never written, and says so if anything is missing.
  void expect_honest_salvage(const std::string& where, std::size_t may_lose) {
    try {
      std::size_t damages = 0;
      const Folder folder = Folder::open_reading(files_, kPath, OnDamage::kSalvage);
      const auto texts = texts_of(folder, OnDamage::kSalvage, &damages);
      for (const std::string& text : texts) ASSERT_THAT(expected_, testing::Contains(text)) << where;
      ASSERT_GE(texts.size() + may_lose, expected_.size()) << where;
      ASSERT_TRUE(texts.size() == expected_.size() || damages > 0) << where;
    } catch (const base::Error&) {
      // Both manifests, or the frame of a newer version: nothing to go on from. Only damage in manifests may do that.
      ASSERT_THAT(where, testing::HasSubstr("manifest")) << where;
    }
  }

  MemoryFiles files_;
  Contents whole_;
  std::vector<std::string> expected_;
};

TEST_F(Damaged, EverySingleBit) {
  std::uint64_t flips = 0, noticed = 0;
  for (const auto& [name, bytes] : whole_) {
    for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
      char& byte = files_.bytes(name)[i / 8];
      const char turned = static_cast<char>(byte ^ (1 << (i % 8)));
      const char before = std::exchange(byte, turned);
      const std::string where = name + " bit " + std::to_string(i);
      ASSERT_TRUE(is_noticed(where)) << where << ": every bit of this memory counts";
      ASSERT_NO_FATAL_FAILURE(expect_honest_salvage(where, 1));
      files_.bytes(name)[i / 8] = before;
      ++flips;
      ++noticed;
    }
  }
  ASSERT_GT(flips, 20000U);
  std::cout << flips << " flips, " << noticed << " noticed, 0 wrong reads\n";
}

TEST_F(Damaged, EverySingleBitOf32KiB) {
  whole_ = memory_of(2, 48);
  files_.set_contents(whole_);
  expected_ = texts_of(Folder::open_reading(files_, kPath), OnDamage::kThrow);
  std::uint64_t flips = 0;
  for (const auto& [name, bytes] : whole_) {
    std::string& file = files_.bytes(name);
    for (std::size_t i = 0; i < bytes.size() * 8; i += kBitStep) {
      file[i / 8] = static_cast<char>(file[i / 8] ^ (1 << (i % 8)));
      ASSERT_TRUE(is_noticed(name + " bit " + std::to_string(i)));
      file[i / 8] = bytes[i / 8];
      ++flips;
    }
  }
  ASSERT_GE(flips, 262144U / kBitStep);
  std::cout << flips << " flips, all noticed\n";
}

TEST_F(Damaged, EveryLengthAndWhatStandsBehindIt) {
  std::uint64_t cuts = 0;
  for (const auto& [name, bytes] : whole_) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      files_.bytes(name) = bytes.substr(0, length);
      const std::string where = name + " cut to " + std::to_string(length);
      ASSERT_TRUE(is_noticed(where)) << where;
      ASSERT_NO_FATAL_FAILURE(expect_honest_salvage(where, expected_.size()));
      // The tail as zeros, and as bytes from elsewhere in the file.
      files_.bytes(name).resize(bytes.size(), '\0');
      const bool same = files_.bytes(name) == bytes;
      ASSERT_EQ(is_noticed(where + ", zeros"), !same) << where;
      ASSERT_NO_FATAL_FAILURE(expect_honest_salvage(where, expected_.size()));
      files_.bytes(name) = bytes.substr(0, length) + bytes.substr(0, bytes.size() - length);
      ASSERT_EQ(is_noticed(where + ", garbage"), files_.bytes(name) != bytes) << where;
      ++cuts;
    }
    files_.bytes(name) = bytes;
  }
  std::cout << cuts << " lengths of each file, each also with zeros and with garbage behind it\n";
}

TEST_F(Damaged, BytesBeyondTheCommittedEndAreNotRead) {
  for (const std::string& tail : {std::string(1, 'x'), std::string(500, '\0'), whole_["log.001"]}) {
    files_.set_contents(whole_);
    files_.bytes("log.001") += tail;
    EXPECT_FALSE(is_noticed("tail"));
    const VerifyReport report = verify(files_, kPath);
    EXPECT_TRUE(report.damages.empty());
    EXPECT_THAT(report.notes, testing::ElementsAre(testing::HasSubstr("beyond what is committed")));
    const Folder folder = Folder::open_writing(files_, kPath, test_owner(), Recover::kKeepValidTail);
    EXPECT_EQ(folder.write_log(1).position(), folder.manifest().log_of(1));
    EXPECT_EQ(files_.bytes("log.001"), whole_["log.001"]);
  }
}

/// Offsets of the records of a log, and its end.
std::vector<std::size_t> offsets_of(MemoryFiles& files, std::uint32_t shard) {
  std::vector<std::size_t> offsets;
  LogReader reader = Folder::open_reading(files, kPath).read_log(shard);
  while (const auto read = reader.next()) offsets.push_back(read->offset);
  offsets.push_back(files.bytes(log_name(shard)).size());
  return offsets;
}

TEST_F(Damaged, SwappedDoubledAndMissingRecords) {
  const auto at = offsets_of(files_, 0);
  const std::string& log = whole_["log.000"];
  const auto record = [&](std::size_t i) { return log.substr(at[i], at[i + 1] - at[i]); };
  const std::string header = log.substr(0, at[0]);
  const std::vector<std::string> orders{record(1) + record(0) + record(2) + record(3),
                                        record(0) + record(2) + record(1) + record(3),
                                        record(0) + record(1) + record(3) + record(2),
                                        record(0) + record(0) + record(1) + record(2) + record(3),
                                        record(0) + record(1) + record(2) + record(2) + record(3),
                                        record(1) + record(2) + record(3),
                                        record(0) + record(2) + record(3),
                                        record(0) + record(1) + record(2) + std::string(record(3).size(), '\0')};
  for (std::size_t i = 0; i < orders.size(); ++i) {
    files_.bytes("log.000") = header + orders[i];
    const std::string where = "order " + std::to_string(i);
    EXPECT_TRUE(is_noticed(where)) << where;
    expect_honest_salvage(where, 3);
    EXPECT_FALSE(verify(files_, kPath).damages.empty()) << where;
  }
}

TEST_F(Damaged, ARecordOfAnotherRunOrShardInItsPlace) {
  const auto at = offsets_of(files_, 0);
  MemoryFiles other;
  other.set_contents(memory_of(2, 3, 2));  // the same blocks, other numbers
  ASSERT_EQ(offsets_of(other, 0), at);
  for (std::size_t i = 0; i + 1 < at.size(); ++i) {
    std::string log = whole_["log.000"];
    log.replace(at[i], at[i + 1] - at[i], other.bytes("log.000").substr(at[i], at[i + 1] - at[i]));
    if (log == whole_["log.000"]) continue;
    files_.bytes("log.000") = log;
    EXPECT_TRUE(is_noticed("record " + std::to_string(i)));
    expect_honest_salvage("record " + std::to_string(i), 1);
  }
}

TEST_F(Damaged, ALogOrManifestOfAnotherRunOrShard) {
  const Contents other = memory_of(2, 3, 2);
  for (const std::string name : {"log.000", "log.001", "manifest.0", "manifest.1"}) {
    files_.set_contents(whole_);
    files_.bytes(name) = other.at(name);
    EXPECT_TRUE(is_noticed(name)) << name;
    EXPECT_FALSE(verify(files_, kPath).damages.empty());
  }
  files_.set_contents(whole_);
  std::swap(files_.bytes("log.000"), files_.bytes("log.001"));
  EXPECT_TRUE(is_noticed("logs swapped"));
  files_.set_contents(whole_);
  std::swap(files_.bytes("manifest.0"), files_.bytes("manifest.1"));
  EXPECT_TRUE(is_noticed("manifests swapped"));
  // The log of the same memory as it was before a later change: shorter in records, whole in itself.
  files_.set_contents(whole_);
  {
    Folder folder = Folder::open_writing(files_, kPath, test_owner(), Recover::kRollBack);
    LogWriter log = folder.write_log(1);
    log.append(OwnedRecord(256 * 3 + 1, 2).record);
    log.sync();
    Manifest next = folder.manifest();
    next.set_log(log.position());
    folder.commit(next);
  }
  files_.bytes("log.001") = whole_["log.001"];
  EXPECT_TRUE(is_noticed("stale log"));
}

TEST(Salvage, WithAnyRecordDestroyedTheRestIsServedAndTheLossNamed) {
  MemoryFiles files;
  // Blocks 0 ... 511: two for each of 256 logs, so that a lost block's neighbours stand elsewhere.
  {
    Manifest first = small_manifest();
    first.documents = {{.path = "book.txt", .bytes = 51200, .content = {}, .first_block = 0, .blocks = 512}};
    first.next_block = 512;
    first.state = MemoryState::kIngesting;
    Folder folder = Folder::create(files, kPath, first, test_owner());
    Manifest next = folder.manifest();
    next.state = MemoryState::kComplete;
    for (std::uint32_t shard = 0; shard < kVirtualShards; ++shard) {
      LogWriter log = folder.write_log(shard);
      for (std::uint64_t block = shard; block < 512; block += 256) {
        OwnedRecord owned(block, 2);
        owned.record.document = 0;
        log.append(owned.record);
      }
      log.sync();
      next.set_log(log.position());
    }
    folder.commit(next);
  }
  const Contents whole = files.contents();
  ASSERT_TRUE(verify(files, kPath).damages.empty());
  for (const std::uint32_t shard : {0U, 100U, 255U}) {
    const auto at = offsets_of(files, shard);
    for (std::size_t i = 0; i + 1 < at.size(); ++i) {
      for (const bool header_too : {false, true}) {
        std::string& log = files.bytes(log_name(shard));
        const std::size_t from = at[i] + (header_too ? 0 : kRecordHeaderBytes);
        log.replace(from, at[i + 1] - from, std::string(at[i + 1] - from, '\xA5'));
        const VerifyReport report = verify(files, kPath);
        const std::uint64_t block = 256 * i + shard;
        ASSERT_EQ(report.damages.size(), 1U);
        const Damage& damage = report.damages[0];
        EXPECT_EQ(damage.block, std::optional(block));
        EXPECT_EQ(damage.document_path, "book.txt");
        EXPECT_EQ(damage.begin, 100 * block);
        EXPECT_EQ(damage.end, 100 * block + 100);
        EXPECT_EQ(damage.offset, at[i]);
        EXPECT_EQ(report.records, 511U);
        EXPECT_THAT(damage.text(), testing::HasSubstr("book.txt, bytes " + std::to_string(100 * block) + " to"));
        log = whole.at(log_name(shard));
      }
    }
  }
}

TEST(Salvage, ALogThatIsGoneAndAKeyMemoryThatIsOther) {
  MemoryFiles files;
  make_memory(files, kPath, 3, 2);
  {
    Folder folder = Folder::open_writing(files, kPath, test_owner(), Recover::kRollBack);
    const std::string keys = "key memory";
    folder.directory().write_atomic("m0.safetensors", std::as_bytes(std::span(keys)));
    Manifest next = folder.manifest();
    next.m0 = hash128(std::as_bytes(std::span(keys)));
    folder.commit(next);
  }
  ASSERT_TRUE(verify(files, kPath).damages.empty());
  files.bytes("m0.safetensors")[3] = 'X';
  Contents contents = files.contents();
  contents.erase("log.001");
  files.set_contents(contents);
  const VerifyReport report = verify(files, kPath);
  ASSERT_EQ(report.damages.size(), 2U);
  EXPECT_THAT(report.damages[0].text(), testing::AllOf(testing::HasSubstr("log.001"), testing::HasSubstr("not there")));
  EXPECT_THAT(report.damages[1].text(), testing::HasSubstr("m0.safetensors"));
  EXPECT_EQ(report.records, 5U);
}

}  // namespace
}  // namespace larimar::store
