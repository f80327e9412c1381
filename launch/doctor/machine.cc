#include "launch/doctor/machine.h"

#include <hwloc.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "common/base/error.h"

namespace larimar::launch::doctor {
namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;
constexpr double kRankGib = 1.0;       // what a rank with both networks holds at its peak, rounded up
constexpr double kSharedGib = 0.0625;  // 64 MiB: MPI's segments of a few ranks

struct TopologyDeleter {
  void operator()(hwloc_topology* topology) const { hwloc_topology_destroy(topology); }
};
using Topology = std::unique_ptr<hwloc_topology, TopologyDeleter>;

Topology load_topology() {
  hwloc_topology_t topology = nullptr;
  if (hwloc_topology_init(&topology) != 0) return nullptr;
  Topology owned(topology);
  // The whole host, also what a container or batch system keeps from this process.
  hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
  return hwloc_topology_load(topology) == 0 ? std::move(owned) : nullptr;
}

std::string gib_text(double gib) {
  char text[32];
  std::snprintf(text, sizeof text, gib < 10 ? "%.2f GiB" : "%.0f GiB", gib);
  return text;
}

/// MemAvailable; 0 if the system does not tell.
double free_memory_gib() {
  std::ifstream file("/proc/meminfo");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string name;
    double kib = 0;
    if (words >> name >> kib && name == "MemAvailable:") return kib / 1024 / 1024;
  }
  return 0;
}

Finding look_at_memory(int ranks) {
  const double gib = free_memory_gib(), share = gib / std::max(1, ranks);
  Finding finding{"memory", State::kGood, gib_text(gib) + " free, " + gib_text(share) + " for each rank here", "", ""};
  if (gib > 0 && share < kRankGib) {
    finding.state = State::kWarning;
    finding.advice = "a rank with its networks takes up to " + gib_text(kRankGib) +
                     "; start fewer ranks here, or end what fills the memory";
  }
  return finding;
}

Finding look_at_shared_memory() {
  struct statvfs shm {};
  if (::statvfs("/dev/shm", &shm) != 0)
    return {"/dev/shm", State::kBad, "is not there", "mount a tmpfs on /dev/shm; MPI talks within a host through it",
            ""};
  const double gib = static_cast<double>(shm.f_bavail) * static_cast<double>(shm.f_frsize) / kGib;
  Finding finding{"/dev/shm", State::kGood, gib_text(gib) + " free", "", ""};
  if (gib < kSharedGib) {
    finding.state = State::kWarning;
    finding.advice =
        "MPI talks within a host through it; enlarge it (mount -o remount,size=1G /dev/shm), or remove segments of "
        "dead jobs";
  }
  return finding;
}

}  // namespace

std::vector<Finding> look_at_host(const std::string& host, int ranks) {
  std::vector<Finding> findings;
  if (const Topology topology = load_topology()) {
    const int cores = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_CORE);
    const int units = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_PU);
    const int packages = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_PACKAGE);
    const int nodes = hwloc_get_nbobjs_by_type(topology.get(), HWLOC_OBJ_NUMANODE);
    const auto total = static_cast<double>(hwloc_get_root_obj(topology.get())->total_memory);
    findings.push_back({"host", State::kGood,
                        std::to_string(packages) + " packages, " + std::to_string(cores) + " cores, " +
                            std::to_string(units) + " hardware threads, " + std::to_string(nodes) + " NUMA nodes, " +
                            gib_text(total / kGib),
                        "", ""});
  } else {
    findings.push_back({"host", State::kNote, "hwloc cannot read the hardware", "", ""});
  }
  findings.push_back(look_at_memory(ranks));
  findings.push_back(look_at_shared_memory());
  findings.push_back(look_at_gpu());
  for (Finding& finding : findings) finding.where = "host " + host;
  return findings;
}

}  // namespace larimar::launch::doctor
