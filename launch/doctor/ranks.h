#pragma once
// What the ranks find out together.
#include <filesystem>
#include <vector>

#include "common/comm/transport.h"
#include "launch/doctor/finding.h"

namespace larimar::launch::doctor {

/// Launcher, MPI, size of the world, and what check_start and check_setup would refuse or warn of.
/// Calls: collective. The same findings on every rank.
[[nodiscard]] std::vector<Finding> compare_ranks(comm::Transport& transport, int threads);

/// Offsets of the hosts' clocks against rank 0's, and whether this rank's steady clock is steady.
/// Calls: collective; 20 small messages with one rank of each host. Findings on rank 0; of the steady clock on each rank.
[[nodiscard]] std::vector<Finding> compare_clocks(comm::Transport& transport);

/// The file system of `folder`: space, fsync, rename over a file that others read, locks, and whether every rank sees what
/// another has written. Makes a folder of its own below and removes it.
/// Calls: collective. Each rank's own findings. Nothing is thrown for what does not work.
[[nodiscard]] std::vector<Finding> try_folder(comm::Transport& transport, const std::filesystem::path& folder);

/// Lowest rank of each rank's host, in rank order. Calls: collective.
[[nodiscard]] std::vector<int> first_ranks_of_hosts(comm::Transport& transport);

}  // namespace larimar::launch::doctor
