// A process that ingests is killed, or fails, at every failpoint of the store; what it acknowledged it told its parent,
// who finishes the ingest and compares every byte.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <set>

#include "common/base/error.h"
#include "common/base/failpoint.h"
#include "common/store/verify.h"
#include "tests/fault/support/small_ingest.h"

namespace larimar::store {
namespace {

std::map<std::string, std::string> contents_of(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename()] = bytes_of_file(entry.path());
  }
  return files;
}

/// An ingest that was broken off, with a torn log and a left-over temporary: recovery's failpoints are passed as well.
void prepare_broken_off(const std::filesystem::path& path) {
  Acknowledged acknowledged;
  base::arm_failpoints("store.log.appended:5:throw");
  EXPECT_THROW(SmallIngest(real_file_system(), path).run(acknowledged), base::Error);
  base::arm_failpoints("");
  write_bytes(path / "log.001", bytes_of_file(path / "log.001") + "torn");
  write_bytes(path / ".larimar-temporary.manifest.0.0", "left over");
}

struct Outcome {
  bool killed = false;
  int code = 0;
  Acknowledged acknowledged;
};

/// The ingest in a process of its own with that failpoint armed.
/// Killed after `lifetime_us`, if that is not 0.
Outcome run_child(const std::filesystem::path& path, const std::string& failpoint, unsigned lifetime_us = 0) {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe_ends[0]);
    int code = 0;
    Acknowledged acknowledged;
    try {
      base::arm_failpoints(failpoint);
      SmallIngest(real_file_system(), path, [&](std::uint32_t shard, std::uint64_t records) {
        const std::uint64_t told[2] = {shard, records};
        if (::write(pipe_ends[1], told, sizeof told) != sizeof told) ::_exit(99);
      }).run(acknowledged);
    } catch (const base::Error& error) {
      code = static_cast<int>(error.code());
    }
    ::_exit(code);
  }
  ::close(pipe_ends[1]);
  if (lifetime_us != 0) {
    ::usleep(lifetime_us);
    ::kill(child, SIGKILL);
  }
  Outcome outcome;
  std::uint64_t told[2];
  while (::read(pipe_ends[0], told, sizeof told) == sizeof told) {
    outcome.acknowledged.records[static_cast<std::uint32_t>(told[0])] = told[1];
  }
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  outcome.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

class Failpoints : public testing::Test {
 protected:
  // A killed process loses nothing that reached the system, synced or not, so memory will do for a disk.
  static void SetUpTestSuite() {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", 0);
  }
  void SetUp() override {
    if (!base::has_failpoints()) GTEST_SKIP() << "LARIMAR SKIPPED: built without failpoints";
    Acknowledged acknowledged;
    SmallIngest(real_file_system(), text_.folder() / "unbroken").run(acknowledged);
    unbroken_ = contents_of(text_.folder() / "unbroken");
  }

  void expect_recovery(const std::filesystem::path& path, const Outcome& outcome, const std::string& where) {
    if (Folder::is_memory(real_file_system(), path)) {
      const Folder folder = Folder::open_writing(real_file_system(), path, test_owner(), Recover::kKeepValidTail);
      for (const auto& [shard, records] : outcome.acknowledged.records) {
        const LogWriter log = folder.write_log(shard);
        const auto texts = read_all(LogReader(folder.directory(), folder.identity(shard), log.position()));
        ASSERT_GE(texts.size(), records) << where;
        for (std::uint64_t i = 0; i < texts.size(); ++i) ASSERT_EQ(texts[i], SmallIngest::text(shard, i)) << where;
      }
    } else {
      ASSERT_TRUE(outcome.acknowledged.records.empty()) << where;
    }
    Acknowledged again;
    SmallIngest(real_file_system(), path).run(again);
    ASSERT_EQ(contents_of(path), unbroken_) << where;
  }

  support::TemporaryText text_;
  std::map<std::string, std::string> unbroken_;
};

TEST_F(Failpoints, EachOfTheStoreKilledAndFailed) {
  std::uint64_t kills = 0, errors = 0, runs = 0;
  std::set<std::string> never_hit;
  for (const base::FailpointInfo& info : base::kFailpoints) {
    const std::string name(info.name);
    if (!name.starts_with("store.")) continue;
    never_hit.insert(name);
    std::vector<std::string> actions{"kill", "throw"};
    if (info.io) actions.insert(actions.end(), {"eio", "enospc", "short-write"});
    for (const std::string& action : actions) {
      for (const bool resumed : {false, true}) {
        for (const int nth : {1, 2, 4}) {
          const auto path = text_.folder() / "memory";
          std::filesystem::remove_all(path);
          if (resumed) prepare_broken_off(path);
          const std::string failpoint = name + ":" + std::to_string(nth) + ":" + action;
          const Outcome outcome = run_child(path, failpoint);
          ASSERT_TRUE(outcome.killed || outcome.code == 0 || outcome.code >= 66) << failpoint << " " << outcome.code;
          ASSERT_FALSE(outcome.killed && action != "kill") << failpoint;
          ASSERT_NO_FATAL_FAILURE(expect_recovery(path, outcome, failpoint + (resumed ? " resumed" : "")));
          ++runs;
          kills += outcome.killed ? 1 : 0;
          errors += !outcome.killed && outcome.code != 0 ? 1 : 0;
          if (outcome.killed) never_hit.erase(name);
        }
      }
    }
  }
  // A log is removed when a folder is rolled back, which an ingest never does.
  EXPECT_THAT(never_hit, testing::UnorderedElementsAre("store.log.remove"));
  std::cout << runs << " runs, " << kills << " kills, " << errors << " errors, 0 acknowledged records lost\n";
}

TEST_F(Failpoints, ABitTurnedOnTheWayToTheDiskIsNoticed) {
  std::uint64_t turned = 0;
  for (const std::string name : {"store.log.header", "store.log.append", "store.atomic.write"}) {
    for (const int nth : {1, 2, 3, 4, 5, 9, 12}) {
      const auto path = text_.folder() / "memory";
      std::filesystem::remove_all(path);
      const std::string failpoint = name + ":" + std::to_string(nth) + ":bitflip";
      const Outcome outcome = run_child(path, failpoint);
      if (outcome.code == 0 && contents_of(path) == unbroken_) continue;  // passed fewer times, or written over since
      ++turned;
      if (outcome.code != 0) continue;  // noticed while still at work
      EXPECT_FALSE(verify(real_file_system(), path).damages.empty()) << failpoint;
      EXPECT_THROW(
          {
            const Folder folder = Folder::open_reading(real_file_system(), path);
            for (const LogState& log : folder.manifest().logs) read_all(folder.read_log(log.shard));
          },
          base::FormatError)
          << failpoint;
    }
  }
  EXPECT_GE(turned, 8U);
}

TEST_F(Failpoints, KilledAtRandomTimesAndAgainDuringRecovery) {
  base::Random random(5);
  const char* longer = std::getenv("LARIMAR_FAULT_ROUNDS");
  const std::uint64_t chains = longer == nullptr ? 60 : std::strtoull(longer, nullptr, 10);
  std::uint64_t kills = 0;
  for (std::uint64_t chain = 0; chain < chains; ++chain) {
    const auto path = text_.folder() / "memory";
    std::filesystem::remove_all(path);
    Outcome all;
    for (int depth = 0; depth < 5; ++depth) {
      const Outcome one = run_child(path, "", 20 + static_cast<unsigned>(random.below(600)));
      for (const auto& [shard, records] : one.acknowledged.records) {
        all.acknowledged.records[shard] = std::max(all.acknowledged.records[shard], records);
      }
      kills += one.killed ? 1 : 0;
    }
    ASSERT_NO_FATAL_FAILURE(expect_recovery(path, all, "chain " + std::to_string(chain)));
  }
  EXPECT_GT(kills, 0U);
  std::cout << kills << " kills in " << chains << " chains, 0 acknowledged records lost\n";
}

}  // namespace
}  // namespace larimar::store
