#include <gmock/gmock.h>

#include "common/base/error.h"
#include "tests/unit/store/support.h"

namespace larimar::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::ThrowsMessage;

class LogTest : public testing::Test {
 protected:
  LogIdentity identity(std::uint32_t shard = 4) const {
    return {.folder = {.high = 1, .low = 2}, .shard = shard, .code_size = kCodeSize, .key_size = kKeySize};
  }
  LogWriter writer(const LogState& committed = {.shard = 4}) const { return {folder_, identity(), committed}; }
  std::filesystem::path path() const { return text_.folder() / "log.004"; }
  /// Blocks 4, 260, 516 ... with 0, 1, 2, 3, 0 ... segments.
  LogState write(std::uint64_t records) const {
    LogWriter log = writer();
    for (std::uint64_t i = 0; i < records; ++i) log.append(OwnedRecord(4 + 256 * i, i % 4).record);
    log.sync();
    return log.position();
  }
  std::vector<std::string> expected(std::uint64_t records) const {
    std::vector<std::string> texts;
    for (std::uint64_t i = 0; i < records; ++i) texts.push_back(text_of(OwnedRecord(4 + 256 * i, i % 4).record));
    return texts;
  }

  support::TemporaryText text_;
  Directory folder_ = Directory::open(real_file_system(), text_.folder());
};

TEST_F(LogTest, WhatIsWrittenIsReadInPlace) {
  const LogState end = write(5);
  LogReader reader(folder_, identity(), end);
  std::vector<std::string> texts;
  while (const auto read = reader.next()) {
    texts.push_back(text_of(read->record));
    EXPECT_EQ(read->number, texts.size() - 1);
    const auto& record = std::get<SegmentsRecord>(read->record);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(record.codes.data()) % 64, 0U);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(record.keys.data()) % 64, 0U);
  }
  EXPECT_EQ(texts, expected(5));
  EXPECT_EQ(std::filesystem::file_size(path()), end.bytes);
}

TEST_F(LogTest, ForgetRecordsAreKeptInOrder) {
  LogWriter log = writer();
  log.append(OwnedRecord(4, 2).record);
  const std::vector<std::uint64_t> ids{1, 1ULL << 60, 3};
  log.append(ForgetRecord{.segments = ids});
  log.append(ForgetRecord{});
  log.append(OwnedRecord(260, 1).record);
  const auto texts = read_all(LogReader(folder_, identity(), log.position()));
  EXPECT_EQ(texts, (std::vector<std::string>{text_of(OwnedRecord(4, 2).record), text_of(ForgetRecord{.segments = ids}),
                                             text_of(ForgetRecord{}), text_of(OwnedRecord(260, 1).record)}));
}

TEST_F(LogTest, NoFileBeforeTheFirstRecordAndNothingReadFromIt) {
  LogWriter log = writer();
  log.sync();
  EXPECT_FALSE(std::filesystem::exists(path()));
  EXPECT_EQ(log.position(), LogState{.shard = 4});
  EXPECT_THAT(read_all(LogReader(folder_, identity(), log.position())), IsEmpty());
}

TEST_F(LogTest, RecordsOfAnUnfinishedJobAreKept) {
  const LogState committed = write(2);
  {
    LogWriter log = writer(committed);
    for (std::uint64_t i = 2; i < 4; ++i) log.append(OwnedRecord(4 + 256 * i, i % 4).record);
  }
  LogWriter again = writer(committed);
  EXPECT_EQ(again.position().records, 4U);
  EXPECT_EQ(again.synced(), committed);
  EXPECT_EQ(again.last_block(), std::optional<std::uint64_t>(4 + 256 * 3));
  EXPECT_EQ(again.cut_bytes(), 0U);
  again.append(OwnedRecord(4 + 256 * 4, 0).record);
  again.sync();
  EXPECT_EQ(again.synced(), again.position());
  EXPECT_EQ(read_all(LogReader(folder_, identity(), again.position())), expected(5));
}

TEST_F(LogTest, ATornTailOfAnyLengthIsCutAndWrittenAgainToTheSameBytes) {
  const LogState committed = write(2);
  const LogState end = [&] {
    LogWriter log = writer(committed);
    for (std::uint64_t i = 2; i < 5; ++i) log.append(OwnedRecord(4 + 256 * i, i % 4).record);
    return log.position();
  }();
  const std::string whole = bytes_of_file(path());
  ASSERT_EQ(whole.size(), end.bytes);
  for (std::size_t length = committed.bytes; length < whole.size(); ++length) {
    write_bytes(path(), std::string_view(whole).substr(0, length));
    LogWriter log = writer(committed);
    EXPECT_EQ(log.position().bytes + log.cut_bytes(), length);
    for (std::uint64_t i = log.position().records; i < 5; ++i) log.append(OwnedRecord(4 + 256 * i, i % 4).record);
    log.sync();
    ASSERT_EQ(bytes_of_file(path()), whole) << "cut to " << length;
  }
}

TEST_F(LogTest, ALogThatWasNeverCommittedIsTakenUpAtAnyLength) {
  const LogState end = write(2);
  const std::string whole = bytes_of_file(path());
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    write_bytes(path(), std::string_view(whole).substr(0, length));
    LogWriter log = writer();
    for (std::uint64_t i = log.position().records; i < 2; ++i) log.append(OwnedRecord(4 + 256 * i, i % 4).record);
    log.sync();
    ASSERT_EQ(log.position(), end) << "cut to " << length;
    ASSERT_EQ(bytes_of_file(path()), whole) << "cut to " << length;
  }
}

TEST_F(LogTest, ShorterThanCommittedIsRefusedByReaderAndWriter) {
  const LogState end = write(3);
  const std::string whole = bytes_of_file(path());
  for (std::size_t length = 0; length < whole.size(); length += 1) {
    write_bytes(path(), std::string_view(whole).substr(0, length));
    EXPECT_THROW(read_all(LogReader(folder_, identity(), end)), base::FormatError) << length;
    EXPECT_THROW(writer(end), base::FormatError) << length;
    ASSERT_EQ(std::filesystem::file_size(path()), length) << "the writer changed a damaged log";
  }
}

TEST_F(LogTest, AbsentLogIsNamed) {
  const LogState end = write(1);
  std::filesystem::remove(path());
  EXPECT_THAT([&] { LogReader(folder_, identity(), end); }, ThrowsMessage<base::FormatError>(HasSubstr("log.004")));
  EXPECT_THAT([&] { writer(end); }, ThrowsMessage<base::FormatError>(HasSubstr("log.004")));
}

TEST_F(LogTest, LogOfAnotherFolderShardOrSizeIsNamed) {
  const LogState end = write(1);
  LogIdentity other = identity();
  other.folder.low = 3;
  EXPECT_THAT([&] { LogReader(folder_, other, end); }, ThrowsMessage<base::FormatError>(HasSubstr("another memory")));
  EXPECT_THAT([&] { LogWriter(folder_, other, end); }, ThrowsMessage<base::FormatError>(HasSubstr("another memory")));
  EXPECT_THAT([&] { LogWriter(folder_, other, LogState{.shard = 4}); },
              ThrowsMessage<base::FormatError>(HasSubstr("another memory")));
  std::filesystem::rename(path(), text_.folder() / "log.005");
  EXPECT_THAT([&] { LogReader(folder_, identity(5), end); },
              ThrowsMessage<base::FormatError>(HasSubstr("log of virtual shard 4")));
  std::filesystem::rename(text_.folder() / "log.005", path());
  other = identity();
  other.code_size = 4;
  EXPECT_THAT([&] { LogReader(folder_, other, end); }, ThrowsMessage<base::FormatError>(HasSubstr("codes and keys")));
}

TEST_F(LogTest, PartsThatDisagreeAreRefusedAndLeaveNoTrace) {
  LogWriter log = writer();
  log.append(OwnedRecord(4, 2).record);
  const LogState before = log.position();
  const auto refused = [&](const SegmentsRecord& record, const std::string& why) {
    EXPECT_THAT([&] { log.append(record); }, ThrowsMessage<base::ShapeError>(HasSubstr(why)));
    EXPECT_EQ(log.position(), before);
  };
  OwnedRecord good(260, 2);
  SegmentsRecord bad = good.record;
  bad.block = 261;
  refused(bad, "does not belong");
  bad = good.record;
  bad.codes = bad.codes.first(5);
  refused(bad, "codes");
  bad = good.record;
  bad.keys = bad.keys.first(1);
  refused(bad, "keys");
  bad = good.record;
  const std::vector<std::uint32_t> owners(good.key_owner.size(), 2);
  bad.key_owner = owners;
  refused(bad, "segment 2");
  bad = good.record;
  bad.end = bad.begin + 5;
  refused(bad, "outside");
  bad = good.record;
  bad.begin = bad.end + 1;
  refused(bad, "ends before");
  refused(OwnedRecord(4, 1).record, "behind block 4");
  log.append(good.record);
  EXPECT_THAT(read_all(LogReader(folder_, identity(), log.position())), SizeIs(2));
}

TEST_F(LogTest, AReopenedLogKnowsItsLastBlock) {
  LogWriter log = writer(write(3));
  EXPECT_EQ(log.last_block(), std::optional<std::uint64_t>(4 + 512));
  EXPECT_THAT([&] { log.append(OwnedRecord(4 + 512, 1).record); },
              ThrowsMessage<base::ShapeError>(HasSubstr("behind block 516")));
}

TEST_F(LogTest, NothingIsAppendedToALogWhoseHeadersDoNotFollowOneAnother) {
  const LogState end = write(3);
  const std::string whole = bytes_of_file(path());
  for (std::size_t byte = 64; byte < 64 + 128; ++byte) {
    std::string damaged = whole;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 4);
    write_bytes(path(), damaged);
    EXPECT_THAT([&] { writer(end); }, ThrowsMessage<base::FormatError>(HasSubstr("damaged at byte 64"))) << byte;
    EXPECT_EQ(bytes_of_file(path()), damaged);
  }
  write_bytes(path(), whole);
  LogState other = end;
  other.chain ^= 1;
  EXPECT_THROW(writer(other), base::FormatError);
}

TEST_F(LogTest, RollBackRemovesWhatWasNotCommitted) {
  const LogState committed = write(2);
  const std::string before = bytes_of_file(path());
  {
    LogWriter log = writer(committed);
    log.append(OwnedRecord(4 + 512, 3).record);
  }
  roll_back_log(folder_, identity(), committed);
  EXPECT_EQ(bytes_of_file(path()), before);
  roll_back_log(folder_, identity(), LogState{.shard = 4});
  EXPECT_FALSE(std::filesystem::exists(path()));
  roll_back_log(folder_, identity(), LogState{.shard = 4});
}

}  // namespace
}  // namespace larimar::store
