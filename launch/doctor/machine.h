#pragma once
// What one rank sees of its machine. All local, without communication; nothing throws for what is found.
#include <string>
#include <vector>

#include "common/model/devices.h"
#include "launch/doctor/finding.h"
#include "launch/setup.h"

namespace larimar::launch::doctor {

/// Memory, cores and sizes of one host, by hwloc; `ranks` of the job run on it. For one rank of each host.
[[nodiscard]] std::vector<Finding> look_at_host(const std::string& host, int ranks);

/// Where this rank may run, its threads, its limits, TMPDIR. For every rank.
[[nodiscard]] std::vector<Finding> look_at_process(int threads);

/// Driver, devices, and whether LibTorch can use them, for which its CUDA part is opened; not where there is neither.
[[nodiscard]] Finding look_at_gpu();

/// What look_at_gpu() makes of what it sees.
struct GpuSight {
  int devices = 0;     // files of the driver
  std::string driver;  // its version; empty: none
  model::CudaSight libtorch;
};
[[nodiscard]] Finding judge_gpu(const GpuSight& sight);

/// LibTorch, the model, the key network and the language model that a command would take.
[[nodiscard]] std::vector<Finding> look_for_networks(const JobSetup& setup);

/// TMPDIR of this rank: there, writable, room, and a note if it is too long for local sockets below it.
[[nodiscard]] Finding look_at_temporary_folder();

}  // namespace larimar::launch::doctor
