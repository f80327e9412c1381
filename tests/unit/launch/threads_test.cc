#include "launch/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>

namespace larimar::launch {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Threads, SlurmsCoresForATask) {
  ::unsetenv("SLURM_CPUS_PER_TASK");
  EXPECT_EQ(usual_threads(), 1);
  ::setenv("SLURM_CPUS_PER_TASK", "3", 1);
  EXPECT_EQ(usual_threads(), 3);
  for (const char* odd : {"", "0", "-2", "many", "3x", "99999"}) {
    ::setenv("SLURM_CPUS_PER_TASK", odd, 1);
    EXPECT_EQ(usual_threads(), 1) << odd;
  }
  ::unsetenv("SLURM_CPUS_PER_TASK");
}

TEST(Threads, OneThreadIsNeverTooMany) { EXPECT_EQ(oversubscription(1, {1, 2, 64}), ""); }

TEST(Threads, MoreThanTheCoresARankIsBoundTo) {
  EXPECT_THAT(oversubscription(4, {1, 16, 2}), AllOf(HasSubstr("4 threads"), HasSubstr("1 core,"), HasSubstr("PE=4")));
  EXPECT_EQ(oversubscription(4, {4, 16, 4}), "");
}

TEST(Threads, MoreThanTheHostHasForAllItsRanks) {
  EXPECT_THAT(oversubscription(4, {16, 16, 5}), AllOf(HasSubstr("5 ranks of 4 threads"), HasSubstr("16 cores")));
  EXPECT_EQ(oversubscription(4, {16, 16, 4}), "");
}

TEST(Threads, CoresAreThoseOfTheBinding) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (std::size_t core = 0; core < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++core)
    if (CPU_ISSET(core, &before)) CPU_SET(core, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  ::setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "7", 1);
  const Cores cores = find_cores();
  sched_setaffinity(0, sizeof before, &before);
  ::unsetenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  EXPECT_EQ(cores.mine, 1);
  EXPECT_GE(cores.of_host, 1);
  EXPECT_EQ(cores.ranks_on_host, 7);
}

}  // namespace
}  // namespace larimar::launch
