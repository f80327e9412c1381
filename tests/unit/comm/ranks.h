#pragma once
#include <functional>
#include <vector>

#include "common/comm/transport.h"

// The transport suite is one source, linked once with threads.cc and once with mpi.cc, which define these.
namespace larimar::test {

/// How many ranks on_ranks can be asked for. Under mpirun: what mpirun started.
[[nodiscard]] std::vector<int> rank_counts();

/// Runs `program` on every rank with a fresh transport; long buffers travel in pieces of piece_bytes where the transport has pieces.
struct Setting {
  int ranks = 1;
  double patience_seconds = 20.0;
  std::size_t piece_bytes = std::size_t{1} << 30;
};
void on_ranks(const Setting& setting, const std::function<void(comm::Transport&)>& program);

}  // namespace larimar::test
