#pragma once
#include <memory>
#include <vector>

#include "common/comm/transport.h"

namespace larimar::comm {

/// `size` ranks within this process; give each to its own thread. Messages are copied into the receiver's mailbox, so
/// send() returns at once. Throws ConfigError unless size >= 1.
[[nodiscard]] std::vector<std::unique_ptr<Transport>> make_in_process_group(int size);

/// A group of one rank, for a program run without mpirun. Collectives cost no more than a copy.
[[nodiscard]] std::unique_ptr<Transport> make_single_transport();

}  // namespace larimar::comm
