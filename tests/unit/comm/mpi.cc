#include <mpi.h>

#include "common/comm/mpi_transport.h"
#include "tests/support/mpi_world.h"
#include "tests/unit/comm/ranks.h"

namespace larimar::test {

std::vector<int> rank_counts() { return {0}; }  // as many as there are

void on_ranks(const Setting& setting, const std::function<void(comm::Transport&)>& program) {
  // The environment has set the world's error handler, which this transport's own communicator inherits.
  comm::MpiTransport transport(MPI_COMM_WORLD, setting.piece_bytes);
  transport.set_patience(setting.patience_seconds);
  program(transport);
}

}  // namespace larimar::test
