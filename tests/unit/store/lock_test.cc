#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "common/base/error.h"
#include "tests/unit/store/support.h"

namespace larimar::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class LockTest : public testing::Test {
 protected:
  std::filesystem::path file() const { return text_.folder() / "lock"; }
  FolderLock take(const LockOwner& owner) const { return {folder_, owner}; }
  std::string taken_over_from(const LockOwner& holder, const LockOwner& owner) const {
    write_bytes(file(), holder.to_text());
    return take(owner).taken_over();
  }

  support::TemporaryText text_;
  Directory folder_ = Directory::open(real_file_system(), text_.folder());
  LockOwner me_ = this_process("larimar ingest");
};

/// A process that holds what `body` makes until it is told to go.
template <class Body>
class Holder {
 public:
  explicit Holder(Body body) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    child_ = ::fork();
    if (child_ == 0) {
      [[maybe_unused]] const auto held = body();
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() { end(); }
  void end() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = 0;
  }
  [[nodiscard]] pid_t pid() const { return child_; }

 private:
  pid_t child_ = 0;
};

TEST_F(LockTest, NamesItsHolderAndIsEmptyAfterwards) {
  {
    const FolderLock lock = take(me_);
    const LockOwner written = LockOwner::from_text(bytes_of_file(file()));
    EXPECT_EQ(written.host, me_.host);
    EXPECT_EQ(written.pid, ::getpid());
    EXPECT_EQ(written.start, start_of_process(::getpid()));
    EXPECT_EQ(written.command, "larimar ingest");
    EXPECT_EQ(lock.taken_over(), "");
  }
  EXPECT_EQ(bytes_of_file(file()), "");
}

TEST_F(LockTest, ALiveProcessIsRefusedByNameADeadOneTakenOver) {
  Holder holder([&] {
    LockOwner owner = this_process("larimar append");
    owner.job = "4711";
    return FolderLock(folder_, owner);
  });
  EXPECT_THAT([&] { take(me_); }, ThrowsMessage<base::ConfigError>(
                                      AllOf(HasSubstr("larimar append"), HasSubstr(me_.host), HasSubstr("job 4711"),
                                            HasSubstr("process " + std::to_string(holder.pid())))));
  const std::string pid = std::to_string(holder.pid());
  holder.end();
  EXPECT_THAT(take(me_).taken_over(), HasSubstr(pid));
}

TEST_F(LockTest, TheSameProcessTwiceIsRefused) {
  const FolderLock lock = take(me_);
  EXPECT_THAT([&] { take(me_); }, ThrowsMessage<base::ConfigError>(HasSubstr("this process already")));
}

TEST_F(LockTest, ATextWithoutALockIsJudgedByItsProcess) {
  Holder alive([] { return 0; });
  LockOwner holder = me_;
  holder.pid = alive.pid();
  holder.start = start_of_process(holder.pid);
  ASSERT_NE(holder.start, "");
  write_bytes(file(), holder.to_text());
  EXPECT_THAT([&] { take(me_); }, ThrowsMessage<base::ConfigError>(HasSubstr(std::to_string(holder.pid))));
  // Another process that got the number of a dead one.
  holder.start = "1";
  EXPECT_THAT(taken_over_from(holder, me_), HasSubstr(std::to_string(holder.pid)));
  holder.start = start_of_process(holder.pid);
  alive.end();
  EXPECT_THAT(taken_over_from(holder, me_), HasSubstr(std::to_string(holder.pid)));
  // What this process could not empty when it let go.
  EXPECT_EQ(taken_over_from(me_, me_), "");
}

TEST_F(LockTest, AnotherHostsFreeLockCountsAsFreeWhereLocksReach) {
  LockOwner holder = me_;
  holder.host = "elsewhere";
  EXPECT_THAT(taken_over_from(holder, me_), HasSubstr("elsewhere"));
}

TEST_F(LockTest, AnyTextIsUnderstoodOrIgnored) {
  for (const std::string text :
       {"", "\n\n", "pid", "pid -5\n", "pid 99999999999999999999\nhost x", "garbage\xff\x01", "host\n"}) {
    write_bytes(file(), text);
    EXPECT_NO_THROW(take(me_)) << text;
  }
  LockOwner odd = me_;
  odd.command = "two\nlines\x1b[2J";
  EXPECT_EQ(LockOwner::from_text(odd.to_text()).command, "two lines [2J");
}

TEST_F(LockTest, AFolderOrLinkOfThatNameIsRefused) {
  write_bytes(text_.folder() / "elsewhere", "precious");
  std::filesystem::create_symlink(text_.folder() / "elsewhere", file());
  EXPECT_THROW(take(me_), base::Error);
  EXPECT_EQ(bytes_of_file(text_.folder() / "elsewhere"), "precious");
  std::filesystem::remove(file());
  std::filesystem::create_directory(file());
  EXPECT_THROW(take(me_), base::Error);
}

/// A file system of many hosts on which a lock says nothing: none at all, or those of one host only.
class Uncertain : public FileSystem {
 public:
  explicit Uncertain(int lock_error) : lock_error_(lock_error) {}
  int make_folder(const std::filesystem::path& path) override { return real_.make_folder(path); }
  int open_folder(const std::filesystem::path& path) override { return real_.open_folder(path); }
  int open(int folder, const std::string& name, OpenMode mode) override { return real_.open(folder, name, mode); }
  int close(int descriptor) override { return real_.close(descriptor); }
  int status(int descriptor, FileStatus& status) override { return real_.status(descriptor, status); }
  std::ptrdiff_t read(int d, std::uint64_t offset, std::span<std::byte> bytes) override {
    return real_.read(d, offset, bytes);
  }
  std::ptrdiff_t write(int descriptor, std::span<const std::byte> bytes) override {
    return real_.write(descriptor, bytes);
  }
  int truncate(int descriptor, std::uint64_t bytes) override { return real_.truncate(descriptor, bytes); }
  int sync(int descriptor) override { return real_.sync(descriptor); }
  int rename(int folder, const std::string& from, const std::string& to) override {
    return real_.rename(folder, from, to);
  }
  int remove(int folder, const std::string& name) override { return real_.remove(folder, name); }
  int list(int folder, std::vector<std::string>& names) override { return real_.list(folder, names); }
  const std::byte* map(int descriptor, std::size_t bytes) override { return real_.map(descriptor, bytes); }
  void unmap(const std::byte* data, std::size_t bytes) override { real_.unmap(data, bytes); }
  int lock(int descriptor) override {
    if (lock_error_ == 0) return real_.lock(descriptor);
    errno = lock_error_;
    return -1;
  }
  bool locks_reach_all_hosts(int) override { return false; }

 private:
  FileSystem& real_ = real_file_system();
  int lock_error_;
};

TEST_F(LockTest, WhereLocksDoNotReachAnotherHostIsRefusedButForTheSameJob) {
  for (const int lock_error : {0, ENOSYS, ENOLCK}) {
    Uncertain files(lock_error);
    const Directory folder = Directory::open(files, text_.folder());
    LockOwner holder = me_;
    holder.host = "elsewhere";
    holder.job = "12";
    write_bytes(file(), holder.to_text());
    EXPECT_THAT([&] { FolderLock(folder, me_); },
                ThrowsMessage<base::ConfigError>(HasSubstr("if it has ended, remove")));
    LockOwner requeued = me_;
    requeued.job = "12";
    EXPECT_THAT(FolderLock(folder, requeued).taken_over(), HasSubstr("job 12"));
  }
  Uncertain files(EIO);
  const Directory folder = Directory::open(files, text_.folder());
  EXPECT_THAT([&] { FolderLock(folder, me_); }, ThrowsMessage<base::IoError>(HasSubstr("cannot lock")));
}

}  // namespace
}  // namespace larimar::store
