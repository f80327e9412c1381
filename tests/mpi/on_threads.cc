#include "tests/mpi/ranks.h"
#include "tests/support/in_process.h"

namespace larimar::test {

void on_every_rank(const std::function<void(comm::Transport&)>& program) {
  for (const int ranks : {1, 2, 3, 4, 5, 8}) support::run_in_process(ranks, program);
}

}  // namespace larimar::test
