// What the environment says about the launcher, and jobs whose ranks do not find each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "common/comm/mpi_environment.h"

namespace larimar::comm {
namespace {

class LaunchMarks : public testing::Test {
 protected:
  // Started within a Slurm job or by mpirun, this test itself would inherit marks.
  void SetUp() override {
    for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "MV2_COMM_WORLD_RANK",
                             "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}) {
      ::unsetenv(name);
    }
  }
  static void set(const char* name, const char* value) { ::setenv(name, value, 1); }
};

TEST_F(LaunchMarks, AProgramStartedByHandIsOneRankWithoutMpi) {
  EXPECT_FALSE(launched_by_mpi());
  EXPECT_EQ(announced_ranks(), 1);
  const Environment environment;
  const auto transport = environment.make_transport();
  EXPECT_EQ(transport->size(), 1);
  EXPECT_EQ(transport->all_gather_one(3), std::vector<int>{3});
}

TEST_F(LaunchMarks, EachLauncherIsRecognised) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK"}) {
    set(name, "0");
    EXPECT_TRUE(launched_by_mpi()) << name;
    ::unsetenv(name);
  }
}

TEST_F(LaunchMarks, SrunWithoutMpiIsRefusedWithAdvice) {
  set("SLURM_NTASKS", "4");
  try {
    const Environment environment;
    FAIL() << "four singletons went on";
  } catch (const base::ConfigError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("4 ranks"), testing::HasSubstr("srun --mpi=pmix")));
    EXPECT_EQ(error.code(), base::ExitCode::kConfig);
  }
}

TEST_F(LaunchMarks, AWorldOfOneIsRefusedWhenTheLauncherStartedMore) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    set(name, "3");
    EXPECT_THROW(refuse_singletons(1), base::ConfigError) << name;
    EXPECT_NO_THROW(refuse_singletons(3)) << name;
    ::unsetenv(name);
  }
}

TEST_F(LaunchMarks, RanksThatDidNotJoinAreCounted) {
  EXPECT_EQ(missing_ranks(1), "");
  set("SLURM_NTASKS", "4");
  EXPECT_THAT(missing_ranks(2), testing::AllOf(testing::HasSubstr("4 ranks"), testing::HasSubstr("only 2")));
  EXPECT_EQ(missing_ranks(4), "");
  EXPECT_EQ(missing_ranks(6), "") << "a job of several parts, of which Slurm tells one";
  set("OMPI_COMM_WORLD_SIZE", "2");
  EXPECT_EQ(missing_ranks(2), "") << "mpirun -n 2 within a larger allocation";
}

TEST_F(LaunchMarks, OneRankOnPurposeWithinALargerAllocationIsFine) {
  set("SLURM_NTASKS", "8");
  set("OMPI_COMM_WORLD_SIZE", "1");
  EXPECT_NO_THROW(refuse_singletons(1));
  ::unsetenv("OMPI_COMM_WORLD_SIZE");
  set("SLURM_STEP_NUM_TASKS", "1");
  EXPECT_NO_THROW(refuse_singletons(1));
}

TEST_F(LaunchMarks, WordsThatAreNoCountsAreIgnored) {
  for (const char* value : {"", "many", "4x", "-2", "0", "99999999999999999999"}) {
    set("SLURM_NTASKS", value);
    EXPECT_EQ(announced_ranks(), 1) << value;
  }
}

}  // namespace
}  // namespace larimar::comm
