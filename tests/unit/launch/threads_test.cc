#include "launch/threads.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace larimar::launch {
namespace {

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

}  // namespace
}  // namespace larimar::launch
