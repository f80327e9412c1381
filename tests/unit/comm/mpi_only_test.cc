// What only MPI can do wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include "common/comm/mpi_library.h"
#include "common/comm/mpi_transport.h"
#include "tests/support/mpi_world.h"

namespace larimar::comm {
namespace {

TEST(MpiEnvironment, TransportsSpanAllRanksAndDoNotMix) {
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const auto first = support::mpi_world().make_transport();
  const auto second = support::mpi_world().make_transport();
  EXPECT_EQ(first->size(), size);
  EXPECT_TRUE(launched_by_mpi());
  EXPECT_EQ(announced_ranks(), size);
  // Same source and tag, so only the communicator tells the two messages apart.
  const int one = 1;
  const int two = 2;
  first->post(std::span(&one, 1), first->rank(), Tag{0});
  second->post(std::span(&two, 1), second->rank(), Tag{0});
  EXPECT_EQ(second->receive_any<int>(Tag{0}).value, 2);
  EXPECT_EQ(first->receive_any<int>(Tag{0}).value, 1);
}

// The error handler is set on the world before anything is duplicated; a group split off later must have inherited it.
TEST(MpiEnvironment, ABadRootOnASplitGroupReturnsInsteadOfEndingTheJob) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm group = MPI_COMM_NULL;
  ASSERT_EQ(MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &group), MPI_SUCCESS);
  int value = 0;
  EXPECT_NE(MPI_Bcast(&value, 1, MPI_INT, 1000, group), MPI_SUCCESS);
  MPI_Comm_free(&group);
}

TEST(MpiLibrary, IsTheOneThisProgramWasBuiltWith) {
  const MpiLibrary library = mpi_library();
#if defined(OPEN_MPI)
  const std::string version = std::to_string(OMPI_MAJOR_VERSION) + "." + std::to_string(OMPI_MINOR_VERSION) + "." +
                              std::to_string(OMPI_RELEASE_VERSION);
  EXPECT_EQ(library.name, "Open MPI " + version);
  EXPECT_EQ(library.fault_tolerant, OMPI_MAJOR_VERSION >= 5);
#elif defined(MPICH_VERSION)
  EXPECT_EQ(library.name, std::string("MPICH ") + MPICH_VERSION);
#endif
  EXPECT_GE(library.standard, "3.1");
}

TEST(MpiTransport, AFailingMpiCallBecomesACommErrorThatNamesIt) {
  try {
    const MpiTransport transport(MPI_COMM_NULL);
    ADD_FAILURE() << "a transport without ranks was made";
  } catch (const base::CommError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("MPI_Comm_dup failed"));
  }
}

}  // namespace
}  // namespace larimar::comm
