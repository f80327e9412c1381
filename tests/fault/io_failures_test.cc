// Every file call of a small ingest fails, once and for ever, in every way; the power is cut at every one of them. What
// was acknowledged is there afterwards, and the same ingest run again ends in the bytes of one that never failed.
#include <gmock/gmock.h>

#include <cstdlib>
#include <iostream>

#include "common/base/error.h"
#include "tests/fault/support/failing_files.h"
#include "tests/fault/support/memory_files.h"
#include "tests/fault/support/small_ingest.h"

namespace larimar::store {
namespace {

const std::map<std::string, std::string>& unbroken() {
  static const auto contents = [] {
    MemoryFiles files;
    Acknowledged acknowledged;
    SmallIngest(files).run(acknowledged);
    return files.contents();
  }();
  return contents;
}

std::uint64_t calls_of_unbroken() {
  MemoryFiles files;
  FailingFiles counting(files, {});
  Acknowledged acknowledged;
  SmallIngest(counting).run(acknowledged);
  return counting.calls();
}

/// Runs until the failure; whether the ingest ended with an error.
bool fails(MemoryFiles& files, const Failure& failure, Acknowledged& acknowledged) {
  FailingFiles failing(files, failure);
  try {
    SmallIngest(failing).run(acknowledged);
    return false;
  } catch (const base::Error& error) {
    EXPECT_STRNE(error.what(), "");
    return true;
  }
}

/// Nothing acknowledged is lost, and going on ends as if nothing had happened.
void expect_recovery(MemoryFiles& files, const Acknowledged& acknowledged, const std::string& where) {
  if (acknowledged.generation > 0) {
    const Folder folder =
        Folder::open_writing(files, SmallIngest::default_path(), test_owner(), Recover::kKeepValidTail);
    ASSERT_GE(folder.manifest().generation, acknowledged.generation) << where;
    for (const auto& [shard, records] : acknowledged.records) {
      const LogWriter log = folder.write_log(shard);
      const auto texts = read_all(LogReader(folder.directory(), folder.identity(shard), log.position()));
      ASSERT_GE(texts.size(), records) << where << ", log " << shard;
      for (std::uint64_t i = 0; i < texts.size(); ++i) ASSERT_EQ(texts[i], SmallIngest::text(shard, i)) << where;
    }
  }
  Acknowledged again;
  SmallIngest(files).run(again);
  ASSERT_EQ(files.contents(), unbroken()) << where;
}

TEST(IoFailures, EachCallFailsOnceAndForEverWithEachError) {
  const std::uint64_t calls = calls_of_unbroken();
  std::uint64_t runs = 0, errors = 0;
  for (const int error : {EIO, ENOSPC, EDQUOT, EINTR, ESTALE, EACCES, EROFS, 0}) {
    for (const bool for_ever : {false, true}) {
      for (std::uint64_t nth = 1; nth <= calls; ++nth) {
        MemoryFiles files;
        Acknowledged acknowledged;
        const bool failed = fails(files, {.nth = nth, .error = error, .for_ever = for_ever}, acknowledged);
        const std::string where =
            "call " + std::to_string(nth) + " errno " + std::to_string(error) + (for_ever ? " for ever" : "");
        const bool harmless = error == 0 || (error == EINTR && !for_ever);
        EXPECT_FALSE(failed && harmless) << where;
        ASSERT_NO_FATAL_FAILURE(expect_recovery(files, acknowledged, where));
        ++runs;
        errors += failed ? 1 : 0;
      }
    }
  }
  std::cout << calls << " calls, " << runs << " runs, " << errors << " ended with an error, 0 lost\n";
}

TEST(IoFailures, AFullDiskTakesAPartFirst) {
  const std::uint64_t calls = calls_of_unbroken();
  for (std::uint64_t nth = 1; nth <= calls; ++nth) {
    MemoryFiles files;
    Acknowledged acknowledged;
    fails(files, {.nth = nth, .error = ENOSPC, .for_ever = true, .part_first = true}, acknowledged);
    ASSERT_NO_FATAL_FAILURE(expect_recovery(files, acknowledged, "call " + std::to_string(nth)));
  }
}

TEST(IoFailures, ThePowerIsCutAtEachCall) {
  const std::uint64_t calls = calls_of_unbroken();
  const char* longer = std::getenv("LARIMAR_FAULT_ROUNDS");
  const std::uint64_t seeds = longer == nullptr ? 20 : std::strtoull(longer, nullptr, 10);
  std::uint64_t cuts = 0;
  for (std::uint64_t nth = 1; nth <= calls; ++nth) {
    for (std::uint64_t round = 0; round < 3 + seeds; ++round) {
      const auto survivors = static_cast<Survivors>(std::min<std::uint64_t>(round, 3));
      MemoryFiles files;
      Acknowledged acknowledged;
      fails(files, {.nth = nth, .error = EIO, .for_ever = true, .part_first = true}, acknowledged);
      files.lose_power(survivors, nth * 1000 + round);
      ASSERT_NO_FATAL_FAILURE(expect_recovery(
          files, acknowledged, "power cut at call " + std::to_string(nth) + ", round " + std::to_string(round)));
      ++cuts;
    }
  }
  std::cout << cuts << " power cuts, 0 acknowledged records lost\n";
}

TEST(IoFailures, ThePowerIsCutAgainDuringRecovery) {
  const std::uint64_t calls = calls_of_unbroken();
  base::Random random(11);
  for (int chain = 0; chain < 500; ++chain) {
    MemoryFiles files;
    Acknowledged acknowledged;
    for (int depth = 0; depth < 5; ++depth) {
      fails(files, {.nth = 1 + random.below(calls), .error = EIO, .for_ever = true, .part_first = true}, acknowledged);
      files.lose_power(Survivors::kMixed, random.next());
    }
    ASSERT_NO_FATAL_FAILURE(expect_recovery(files, acknowledged, "chain " + std::to_string(chain)));
  }
}

TEST(IoFailures, EachCallOfAResumedIngestFails) {
  const std::uint64_t calls = calls_of_unbroken();
  std::uint64_t runs = 0;
  for (std::uint64_t broken_at = 3; broken_at < calls; broken_at += 7) {
    MemoryFiles start;
    Acknowledged before;
    fails(start, {.nth = broken_at, .error = EIO, .for_ever = true, .part_first = true}, before);
    for (const int error : {EIO, ENOSPC, EINTR}) {
      for (const bool for_ever : {false, true}) {
        for (std::uint64_t nth = 1;; ++nth, ++runs) {
          MemoryFiles files;
          files.set_contents(start.contents());
          Acknowledged acknowledged = before;
          FailingFiles failing(files, {.nth = nth, .error = error, .for_ever = for_ever});
          try {
            SmallIngest(failing).run(acknowledged);
          } catch (const base::Error&) {
          }
          const bool reached = failing.has_failed();
          ASSERT_NO_FATAL_FAILURE(expect_recovery(
              files, acknowledged, "broken at " + std::to_string(broken_at) + ", then at " + std::to_string(nth)));
          if (!reached) break;
        }
      }
    }
  }
  std::cout << runs << " runs\n";
}

TEST(IoFailures, AReaderSaysSoOrReadsTheSame) {
  MemoryFiles files;
  Acknowledged acknowledged;
  SmallIngest(files).run(acknowledged);
  const auto read = [](FileSystem& from) {
    std::vector<std::string> texts;
    const Folder folder = Folder::open_reading(from, SmallIngest::default_path());
    for (const LogState& log : folder.manifest().logs) {
      for (const std::string& text : read_all(folder.read_log(log.shard))) texts.push_back(text);
    }
    return texts;
  };
  const auto expected = read(files);
  for (const int error : {EIO, ENOMEM, EMFILE, EINTR, 0}) {
    for (const bool for_ever : {false, true}) {
      for (std::uint64_t nth = 1;; ++nth) {
        FailingFiles failing(files, {.nth = nth, .error = error, .for_ever = for_ever});
        try {
          EXPECT_EQ(read(failing), expected);
        } catch (const base::Error&) {
          EXPECT_FALSE(error == 0 || (error == EINTR && !for_ever)) << "call " << nth;
        }
        if (!failing.has_failed()) break;
      }
    }
  }
}

/// The tests above must be able to fail: a store that does not sync loses records here.
class NeverSyncing : public MemoryFiles {
 public:
  int sync(int) override { return 0; }
};

TEST(IoFailures, AStoreThatDoesNotSyncWouldBeCaught) {
  NeverSyncing files;
  Acknowledged acknowledged;
  SmallIngest(files).run(acknowledged);
  files.lose_power(Survivors::kNothing);
  EXPECT_TRUE(files.contents().empty());
  EXPECT_EQ(acknowledged.generation, 4U);
}

}  // namespace
}  // namespace larimar::store
