// The file system of a folder, tried out as a memory uses it.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/process.h"
#include "launch/doctor/ranks.h"

namespace larimar::launch::doctor {
namespace {

namespace fs = std::filesystem;
constexpr int kSyncs = 5, kRenames = 200;
constexpr std::size_t kRenamedBytes = 16 * 1024;
constexpr double kVisibleWithin = 10.0;  // seconds; NFS shows a new file after a few
constexpr double kSlowSync = 0.25;       // seconds; a memory syncs about once a second
constexpr double kFewGib = 1.0;

std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, seconds < 1 ? "%.2f ms" : "%.2f s", seconds < 1 ? seconds * 1e3 : seconds);
  return text;
}

/// Names of linux/magic.h that a memory may meet; others by their number.
std::string kind_of(const fs::path& folder) {
  struct statfs info {};
  if (::statfs(folder.c_str(), &info) != 0) return "unknown";
  const auto magic = static_cast<unsigned long>(info.f_type) & 0xFFFFFFFFUL;
  constexpr std::pair<unsigned long, const char*> kKinds[] = {
      {0xEF53, "ext4"},     {0x58465342, "XFS"},    {0x9123683E, "Btrfs"},  {0x01021994, "tmpfs"},
      {0x6969, "NFS"},      {0x0BD00BD0, "Lustre"}, {0x47504653, "GPFS"},   {0x794C7630, "overlay"},
      {0x65735546, "FUSE"}, {0x00C36400, "Ceph"},   {0x19830326, "BeeGFS"}, {0xFF534D42, "SMB"},
      {0x2FC12FC1, "ZFS"},  {0x01021997, "9p"}};
  for (const auto& [number, name] : kKinds) {
    if (number == magic) return name;
  }
  char text[32];
  std::snprintf(text, sizeof text, "type 0x%lx", magic);
  return text;
}

Finding look_at_space(const fs::path& folder) {
  struct statvfs space {};
  if (::statvfs(folder.c_str(), &space) != 0)
    return {"folder", State::kBad, folder.string() + " cannot be looked at", "name another with --folder", ""};
  const double gib = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) / (1 << 30);
  char text[64];
  std::snprintf(text, sizeof text, ", %.1f GiB free", gib);
  Finding finding{"folder", State::kGood, folder.string() + ": " + kind_of(folder) + text, "", ""};
  if (gib < kFewGib) {
    finding.state = State::kWarning;
    finding.advice = "a million tokens take about 0.2 GiB; make room or name another folder";
  }
  if (kind_of(folder) == "tmpfs") {
    finding.state = State::kWarning;
    finding.advice = "what is here is gone with the machine, and only this host sees it; name a folder on a disk";
  }
  return finding;
}

/// An open file that is closed at the end; -1 if it cannot be opened.
class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

std::string cause() { return std::generic_category().message(errno); }

Finding try_sync(const fs::path& path) {
  const Descriptor file(path, O_RDWR | O_CREAT | O_TRUNC);
  if (file.get() < 0)
    return {"write", State::kBad, "a file cannot be made: " + cause(),
            "give this user the right to write there, on every host", ""};
  const std::array<char, 4096> block{};
  std::vector<double> times;
  for (int i = 0; i < kSyncs; ++i) {
    const base::Stopwatch watch;
    if (::write(file.get(), block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        ::fsync(file.get()) != 0)
      return {"fsync", State::kBad, "failed: " + cause(), "make room, or look at the disk's health (dmesg)", ""};
    times.push_back(watch.seconds());
  }
  std::ranges::nth_element(times, times.begin() + kSyncs / 2);
  const double median = times[kSyncs / 2];
  Finding finding{"fsync", State::kGood, seconds_text(median), "", ""};
  if (median > kSlowSync) {
    finding.state = State::kWarning;
    finding.advice = "an ingest waits for about one a second; a local or less busy disk is faster";
  }
  return finding;
}

/// Whether a lock that one has is refused to another, through two openings of one file.
Finding try_lock_here(const fs::path& path) {
  const Descriptor first(path, O_RDWR | O_CREAT), second(path, O_RDWR);
  if (::flock(first.get(), LOCK_EX | LOCK_NB) != 0)
    return {"locks", State::kBad, "flock failed: " + cause(),
            "mount it with locks (NFS: local_lock=none and lockd, Lustre: -o flock)", ""};
  if (::flock(second.get(), LOCK_EX | LOCK_NB) == 0)
    return {"locks", State::kBad, "a lock that is held was granted again",
            "two jobs could write one memory; mount it with locks (Lustre: -o flock)", ""};
  return {"locks", State::kGood, "exclude others on this host", "", ""};
}

std::string content_of(int version) { return std::string(kRenamedBytes, static_cast<char>('a' + version % 26)); }

bool is_whole(const std::string& text) {
  return text.size() == kRenamedBytes && text.find_first_not_of(text[0]) == std::string::npos;
}

bool rename_over(const fs::path& folder, int version) {
  const fs::path next = folder / "next";
  {
    const Descriptor file(next, O_WRONLY | O_CREAT | O_TRUNC);
    const std::string text = content_of(version);
    if (file.get() < 0 || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      return false;
  }
  return ::rename(next.c_str(), (folder / "current").c_str()) == 0;
}

/// Reads `current` again and again until `over`; how often it was there, and how often not whole.
struct Readings {
  std::uint64_t whole = 0, broken = 0;
};
Readings read_until(const fs::path& folder, const std::function<bool()>& over) {
  Readings readings;
  while (!over()) {
    try {
      const std::string text = base::read_file(folder / "current");
      ++(is_whole(text) ? readings.whole : readings.broken);
    } catch (const base::Error&) {
      ++readings.broken;  // it is there from the start, so it may never be absent
    }
  }
  return readings;
}

/// A thread renames while this one reads.
Finding try_rename(const fs::path& folder) {
  if (!rename_over(folder, 0))
    return {"rename", State::kBad, "failed: " + cause(), "a memory is committed by a rename; name another folder", ""};
  std::atomic<bool> over = false, failed = false;
  std::thread writer([&] {
    for (int version = 1; version <= kRenames && !failed; ++version) failed = !rename_over(folder, version);
    over = true;
  });
  const Readings readings = read_until(folder, [&] { return over.load(); });
  writer.join();
  if (failed || readings.broken > 0)
    return {"rename", State::kBad, std::to_string(readings.broken) + " readings of a file under rename were not whole",
            "a killed job could leave half a memory; name a folder on another file system", ""};
  return {"rename", State::kGood, std::to_string(kRenames) + " renames under a reader, always whole", "", ""};
}

std::string file_of(int rank) { return "rank-" + std::to_string(rank); }

/// Whether what `peer` wrote is seen here, and after how long.
Finding look_for_file_of(const fs::path& folder, int peer, const std::string& host) {
  const base::Stopwatch watch;
  const std::string wanted = "from " + file_of(peer);
  do {
    try {
      if (base::read_file(folder / file_of(peer)) == wanted)
        return {"seen by all", State::kGood, "files of other ranks are seen", "", ""};
    } catch (const base::Error&) {  // not yet
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  } while (watch.seconds() < kVisibleWithin);
  return {"seen by all", State::kBad, "what rank " + std::to_string(peer) + " on " + host + " wrote is not seen here",
          "name a folder on a file system that all hosts share, mounted at the same place", ""};
}

/// Rank 0 holds the lock while the others try it.
Finding try_lock_between_ranks(comm::Transport& transport, const fs::path& path) {
  std::optional<Descriptor> held;
  if (transport.rank() == 0) {
    held.emplace(path, O_RDWR | O_CREAT);
    static_cast<void>(::flock(held->get(), LOCK_EX | LOCK_NB));
  }
  transport.barrier();
  Finding finding{"locks between ranks", State::kGood, "a lock of rank 0 is refused to the others", "", ""};
  if (transport.rank() != 0) {
    const Descriptor mine(path, O_RDWR);
    if (mine.get() < 0) {
      finding = {finding.check, State::kBad, "the lock file is not seen", "name a folder that all hosts share", ""};
    } else if (::flock(mine.get(), LOCK_EX | LOCK_NB) == 0) {
      finding = {
          finding.check, State::kBad, "a lock that rank 0 holds was granted here",
          "two jobs could write one memory; mount it with locks over all hosts (Lustre: -o flock, not localflock)", ""};
    }
  }
  transport.barrier();
  return finding;
}

/// A folder of this job's own; empty, with a finding, if it cannot be made.
fs::path make_place(comm::Transport& transport, const fs::path& folder, std::vector<Finding>& findings) {
  std::string name;
  if (transport.rank() == 0) {
    const fs::path place = folder / (".larimar-doctor." + std::to_string(base::process_id()));
    std::error_code failed;
    if (fs::create_directory(place, failed)) {
      name = place.filename().string();
    } else {
      findings.push_back({"folder", State::kBad, folder.string() + " cannot be written to: " + failed.message(),
                          "make it, give this user the right to write there, or name another with --folder", ""});
    }
  }
  transport.broadcast_string(name, 0);
  return name.empty() ? fs::path() : folder / name;
}

}  // namespace

std::vector<Finding> try_folder(comm::Transport& transport, const fs::path& folder) {
  const comm::PhaseScope phase(transport, "try the folder");
  std::vector<Finding> findings;
  const fs::path place = make_place(transport, folder, findings);
  if (place.empty()) return findings;
  const int rank = transport.rank(), ranks = transport.size();
  const std::vector<std::string> hosts = transport.all_gather_strings(transport.host());
  const bool first_here = std::ranges::find(hosts, transport.host()) - hosts.begin() == rank;
  // A mount of this host alone would have no such folder; then this rank's files go nowhere, and its line says so.
  const fs::path mine = place / ("of-" + std::to_string(rank));
  std::error_code failed;
  fs::create_directory(mine, failed);
  if (!failed) {
    try {
      base::write_file(place / file_of(rank), "from " + file_of(rank));
    } catch (const base::Error&) {  // the reader of it will tell
    }
  }
  transport.barrier();
  if (first_here && !failed) {  // once for each host
    for (Finding finding :
         {look_at_space(place), try_sync(mine / "synced"), try_rename(mine), try_lock_here(mine / "lock")}) {
      finding.where = ranks > 1 ? "host " + transport.host() : "";
      if (finding.check == "folder") finding.found.replace(0, place.string().size(), folder.string());
      findings.push_back(finding);
    }
  } else if (failed) {
    findings.push_back({"folder", State::kBad,
                        folder.string() + " is not the folder of rank 0 here: " + failed.message(),
                        "name a folder on a file system that all hosts share, mounted at the same place", ""});
  }
  if (ranks > 1) {
    const int peer = (rank + 1) % ranks;
    if (!failed) findings.push_back(look_for_file_of(place, peer, hosts[static_cast<std::size_t>(peer)]));
    transport.barrier();
    findings.push_back(try_lock_between_ranks(transport, place / "lock"));
  }
  transport.barrier();
  // One rank removes it: two at work in one folder stumble over each other's removals.
  if (rank == 0) fs::remove_all(place, failed);
  return findings;
}

}  // namespace larimar::launch::doctor
