#include "common/store/lock.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "common/base/error.h"
#include "common/base/failpoint.h"

namespace larimar::store {
namespace {

constexpr std::size_t kMaxLockBytes = 64 * 1024;

std::string one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return text.substr(0, 1000);
}

std::string phrase(const LockOwner& owner) {
  std::string text = owner.command.empty() ? "another command" : owner.command;
  if (!owner.host.empty()) text += " on host " + owner.host;
  if (owner.pid > 0) text += ", process " + std::to_string(owner.pid);
  if (!owner.job.empty()) text += ", job " + owner.job;
  return text;
}

[[noreturn]] void refuse(const Directory& folder, const LockOwner& holder, const LockOwner& owner,
                         const std::string& way_out) {
  const bool own = holder.host == owner.host && holder.pid == owner.pid && holder.start == owner.start;
  throw base::ConfigError("memory " + folder.path().string() + " is being changed by " +
                          (own ? "this process already" : phrase(holder)) + "; " + way_out);
}

bool lives(const LockOwner& holder) {
  const std::string start = start_of_process(holder.pid);
  return !start.empty() && start == holder.start;
}

}  // namespace

std::string LockOwner::to_text() const {
  return "host " + one_line(host) + "\npid " + std::to_string(pid) + "\nstart " + one_line(start) + "\njob " +
         one_line(job) + "\ncommand " + one_line(command) + "\n";
}

LockOwner LockOwner::from_text(const std::string& text) {
  LockOwner owner;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    const std::string name = line.substr(0, space);
    const std::string value = one_line(space == std::string::npos ? "" : line.substr(space + 1));
    if (name == "host") owner.host = value;
    if (name == "pid") owner.pid = std::strtoll(value.c_str(), nullptr, 10);
    if (name == "start") owner.start = value;
    if (name == "job") owner.job = value;
    if (name == "command") owner.command = value;
  }
  return owner;
}

std::string start_of_process(std::int64_t pid) {
  if (pid <= 0) return {};
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  // The second field, the program's name in brackets, may hold anything; the 22nd is the start.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) {
    if (!(fields >> field)) return {};
    if (i == 3 && (field == "Z" || field == "X")) return {};  // ended, and only not yet waited for
  }
  return field;
}

LockOwner this_process(const std::string& command) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const char* job = std::getenv("SLURM_JOB_ID");
  return {.host = host.data(),
          .pid = ::getpid(),
          .start = start_of_process(::getpid()),
          .job = job == nullptr ? "" : job,
          .command = command};
}

FolderLock::FolderLock(const Directory& folder, const LockOwner& owner)
    : file_([&] {
        LARIMAR_FAILPOINT("store.lock.open");
        return folder.open_or_make("lock");
      }()) {
  const int refused = file_.try_lock();
  if (refused != 0 && refused != EWOULDBLOCK && refused != ENOSYS && refused != EOPNOTSUPP && refused != ENOLCK) {
    throw base::IoError("cannot lock " + file_.path().string() + ": " + std::generic_category().message(refused));
  }
  const LockOwner holder = LockOwner::from_text(file_.read_all(kMaxLockBytes));
  if (refused == EWOULDBLOCK) refuse(folder, holder, owner, "wait for it to end");
  const bool named = holder.pid > 0;
  const bool same_job = !owner.job.empty() && holder.job == owner.job && holder.host != owner.host;
  // A text of this very process is what a release could not empty: the system's lock tells within a process too.
  const bool own = refused == 0 && holder.host == owner.host && holder.pid == owner.pid && holder.start == owner.start;
  if (named && holder.host == owner.host && !own && lives(holder)) refuse(folder, holder, owner, "wait for it to end");
  if (named && holder.host != owner.host && !same_job && (refused != 0 || !file_.lock_reaches_all_hosts())) {
    refuse(folder, holder, owner, "if it has ended, remove " + file_.path().string());
  }
  if (named && !own) taken_over_ = phrase(holder);
  LARIMAR_FAILPOINT("store.lock.write");
  file_.truncate(0);
  file_.write(owner.to_text());
  LARIMAR_FAILPOINT("store.lock.taken");
}

FolderLock::~FolderLock() {
  if (!file_.is_open()) return;
  try {
    file_.truncate(0);
  } catch (const base::Error&) {
    // Said in the class comment.
  }
}

}  // namespace larimar::store
