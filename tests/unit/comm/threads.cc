#include "tests/support/in_process.h"
#include "tests/unit/comm/ranks.h"

namespace larimar::test {

std::vector<int> rank_counts() { return {1, 2, 3, 5}; }

void on_ranks(const Setting& setting, const std::function<void(comm::Transport&)>& program) {
  support::run_in_process(setting.ranks, program, setting.patience_seconds);
}

}  // namespace larimar::test
