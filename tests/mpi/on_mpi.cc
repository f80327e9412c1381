#include "tests/mpi/ranks.h"
#include "tests/support/mpi_world.h"

namespace larimar::test {

void on_every_rank(const std::function<void(comm::Transport&)>& program) {
  const auto transport = support::mpi_world().make_transport();
  transport->set_patience(20.0);
  program(*transport);
}

}  // namespace larimar::test
