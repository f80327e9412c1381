// Not a test but something for mpi_main.cc to judge: CTest expects this program to be found FAILED, or its job ended.
#include <gtest/gtest.h>

#include "tests/support/mpi_world.h"

namespace larimar {
namespace {

TEST(VerdictProbe, LastRankIsWrong) {
  const auto transport = support::mpi_world().make_transport();
  EXPECT_NE(transport->rank(), transport->size() - 1) << "the planted failure";
}

TEST(VerdictProbe, LastRankThrows) {
  const auto transport = support::mpi_world().make_transport();
  if (transport->rank() == transport->size() - 1) throw std::runtime_error("the planted exception");
}

TEST(VerdictProbe, Aborts) {
  const auto transport = support::mpi_world().make_transport();
  if (transport->rank() == transport->size() - 1) transport->abort(base::ExitCode::kIo);
  transport->barrier();
}

}  // namespace
}  // namespace larimar
