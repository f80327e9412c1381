// What concerns one rank: where it may run, its limits, its temporary folder.
#include <hwloc.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "launch/doctor/machine.h"

namespace larimar::launch::doctor {
namespace {

// A local socket's path has at most 107 bytes. Open MPI 4.1 and 5.0 and MPICH 4.0 put none below TMPDIR, others may.
constexpr std::size_t kSocketPath = 107, kBelowTmpdir = 45;
constexpr rlim_t kFewFiles = 1024;
constexpr rlim_t kLittleLocked = rlim_t{64} << 10;
constexpr double kTmpMib = 64;

std::string limit_text(rlim_t value, rlim_t unit) {
  return value == RLIM_INFINITY ? "unlimited" : std::to_string(value / unit);
}

Finding look_at_binding(int threads) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return {"binding", State::kNote, "the system does not tell", "", ""};
  const int usable = CPU_COUNT(&allowed);
  const long online = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN));
  std::string list;
  if (hwloc_bitmap_t bits = hwloc_bitmap_alloc()) {
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) hwloc_bitmap_set(bits, static_cast<unsigned>(cpu));
    }
    char* text = nullptr;
    if (hwloc_bitmap_list_asprintf(&text, bits) > 0) list = text;
    std::free(text);
    hwloc_bitmap_free(bits);
  }
  Finding finding{"binding", State::kGood,
                  usable >= online ? "not bound" : "bound to processors " + list + " of " + std::to_string(online), "",
                  ""};
  if (usable < threads) {
    finding.state = State::kWarning;
    finding.advice = std::to_string(threads) + " threads share " + std::to_string(usable) +
                     " processors; give mpirun --bind-to none or --map-by slot:PE=" + std::to_string(threads) +
                     ", srun --cpus-per-task, or fewer --threads";
  }
  return finding;
}

Finding look_at_limits() {
  rlimit files{}, locked{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  ::getrlimit(RLIMIT_MEMLOCK, &locked);
  Finding finding{"limits", State::kGood,
                  limit_text(files.rlim_cur, 1) + " open files, " + limit_text(locked.rlim_cur, 1024) +
                      (locked.rlim_cur == RLIM_INFINITY ? " locked memory" : " KiB of locked memory"),
                  "", ""};
  if (files.rlim_cur < kFewFiles) {
    finding.state = State::kWarning;
    finding.advice =
        "each rank opens a log of each shard and MPI a connection to each rank; raise it with ulimit -n 4096";
  } else if (locked.rlim_cur < kLittleLocked) {
    finding.state = State::kNote;
    finding.advice = "InfiniBand needs ulimit -l unlimited; over TCP and shared memory nothing does";
  }
  return finding;
}

}  // namespace

Finding look_at_temporary_folder() {
  const char* named = std::getenv("TMPDIR");
  const std::string folder = named != nullptr && *named != '\0' ? named : "/tmp";
  Finding finding{"TMPDIR", State::kGood, folder, "", ""};
  if (::mkdir(folder.c_str(), 0700) == 0) {  // as Open MPI would
    ::rmdir(folder.c_str());
    finding.state = State::kWarning;
    finding.found += " is not there";
    finding.advice = "make it: Open MPI does, other tools may not";
    return finding;
  }
  struct statvfs space {};
  if (::statvfs(folder.c_str(), &space) != 0 || ::access(folder.c_str(), W_OK | X_OK) != 0) {
    finding.state = State::kBad;
    finding.found += " is no folder that this rank can write to";
    finding.advice = "make it, or set TMPDIR to another one; MPI puts its session there";
    return finding;
  }
  const double mib = static_cast<double>(space.f_bavail) * static_cast<double>(space.f_frsize) / 1024 / 1024;
  finding.found += " (" + std::to_string(folder.size()) + " bytes long), " +
                   (mib > kTmpMib ? "room enough" : std::to_string(static_cast<std::uint64_t>(mib)) + " MiB free");
  if (mib < kTmpMib) {
    finding.state = State::kWarning;
    finding.advice = "remove what is left of dead jobs there, or set TMPDIR to a disk with room";
  } else if (folder.size() + kBelowTmpdir > kSocketPath) {
    finding.state = State::kNote;
    finding.advice = "a local socket's path has at most " + std::to_string(kSocketPath) +
                     " bytes; if MPI does not start, set TMPDIR to a shorter path, for example /tmp";
  }
  return finding;
}

std::vector<Finding> look_at_process(int threads) {
  return {look_at_binding(threads), look_at_limits(), look_at_temporary_folder()};
}

}  // namespace larimar::launch::doctor
