#include "shard/log_writers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include "common/base/error.h"
#include "shard/stored_segments.h"
#include "tests/fault/support/failing_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/store/support.h"

namespace larimar::shard {
namespace {

using store::OwnedRecord;

/// A disk that takes its time, or refuses.
class SlowDisk final : public store::FailingFiles {
 public:
  SlowDisk() : FailingFiles(store::real_file_system(), {}) {}
  int sync(int descriptor) override {
    ++syncs;
    while (busy) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (broken) {
      errno = EIO;
      return -1;
    }
    return store::real_file_system().sync(descriptor);
  }
  std::atomic<bool> busy = false, broken = false;
  std::atomic<int> syncs = 0;
};

class LogWritersTest : public testing::Test {
 protected:
  LogWritersTest()
      : folder_(store::Folder::create(disk_, files_.path() / "memory", store::small_manifest(), store::test_owner())),
        logs_(folder_, {0}, 1, acknowledged_) {
    disk_.syncs = 0;
  }

  /// Block `i` of log 0, when the next group commit is due.
  void append_when_due(std::uint64_t i) {
    std::this_thread::sleep_for(std::chrono::duration<double>(kGroupCommitSeconds + 0.05));
    logs_.append(OwnedRecord(store::kVirtualShards * i, 3).record);
  }
  [[nodiscard]] std::string acknowledged() const {
    std::ifstream file(acknowledged_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  support::TemporaryFolder files_;
  SlowDisk disk_;
  std::filesystem::path acknowledged_ = files_.path() / "acknowledged";
  store::Folder folder_;
  LogWriters logs_;
};

TEST_F(LogWritersTest, BlocksAreAppendedWhileTheDiskTakesEarlierOnes) {
  disk_.busy = true;
  logs_.append(OwnedRecord(0, 3).record);
  append_when_due(1);  // begins a commit of both
  append_when_due(2);  // the disk has not answered
  EXPECT_EQ(acknowledged(), "");
  EXPECT_EQ(disk_.syncs, 1);
  disk_.busy = false;
  logs_.sync();
  EXPECT_EQ(acknowledged(), "0\n256\n512\n");
  EXPECT_EQ(StoredSegments(folder_, logs_.states()).totals().segments, 9U);
}

TEST_F(LogWritersTest, ABlockIsAcknowledgedWithTheNextOnesAndWithoutAWait) {
  append_when_due(0);
  append_when_due(1);
  EXPECT_EQ(acknowledged(), "0\n");
}

TEST_F(LogWritersTest, WhatTheDiskRefusedInTheMeantimeEndsTheNextCall) {
  logs_.append(OwnedRecord(0, 3).record);
  disk_.broken = true;
  append_when_due(1);
  EXPECT_THROW(append_when_due(2), base::IoError);
  disk_.broken = false;
  EXPECT_THROW(logs_.append(OwnedRecord(store::kVirtualShards * 3, 3).record), base::IoError)
      << "nobody knows what the disk has";
  EXPECT_THROW(logs_.sync(), base::IoError);
  EXPECT_EQ(acknowledged(), "");
}

}  // namespace
}  // namespace larimar::shard
