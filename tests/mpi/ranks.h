#pragma once
#include <functional>

#include "common/comm/transport.h"

// The suite of the exchange is one source, linked once with on_threads.cc and once with on_mpi.cc, which define this.
namespace larimar::test {

/// Runs `program` on every rank: on those that mpirun started, or on groups of threads of several sizes.
void on_every_rank(const std::function<void(comm::Transport&)>& program);

}  // namespace larimar::test
