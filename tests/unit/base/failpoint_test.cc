#include "common/base/failpoint.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <set>

#include "common/base/error.h"

namespace larimar::base {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

void pass_one() { LARIMAR_FAILPOINT("store.log.append"); }
void pass_other() { LARIMAR_FAILPOINT("store.log.appended"); }

class FailpointTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_failpoints()) GTEST_SKIP() << "LARIMAR SKIPPED: built without failpoints";
  }
  void TearDown() override {
    if (has_failpoints()) arm_failpoints("");
  }
};

TEST(FailpointList, NamesAreUniqueAndSaid) {
  std::set<std::string_view> names;
  for (const FailpointInfo& info : kFailpoints) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_FALSE(info.what.empty()) << info.name;
    EXPECT_EQ(info.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz._"), std::string_view::npos) << info.name;
  }
  EXPECT_EQ(failpoint_index("no such thing"), kFailpointCount);
}

TEST(FailpointList, ABuildWithoutRefusesToBeArmed) {
  if (has_failpoints()) GTEST_SKIP() << "this build has them";
  EXPECT_THROW(arm_failpoints("store.log.append:1:kill"), ConfigError);
  EXPECT_NO_THROW(arm_failpoints(""));
}

TEST_F(FailpointTest, ThrowsAtTheNthTimeOnly) {
  arm_failpoints("store.log.append:3:throw");
  pass_one();
  pass_one();
  pass_other();
  EXPECT_THAT(pass_one, ThrowsMessage<Error>(HasSubstr("store.log.append")));
  pass_one();
  arm_failpoints("store.log.append:2+:throw,store.log.appended:1:throw");
  pass_one();
  EXPECT_THROW(pass_one(), Error);
  EXPECT_THROW(pass_one(), Error);
  EXPECT_THROW(pass_other(), Error);
  arm_failpoints("");
  pass_one();
}

TEST_F(FailpointTest, IoFaultsWaitForTheirCall) {
  arm_failpoints("store.log.append:1:bitflip");
  EXPECT_EQ(take_io_fault(true), IoFault::kNone);
  pass_one();
  EXPECT_EQ(take_io_fault(false), IoFault::kNone);
  EXPECT_EQ(take_io_fault(true), IoFault::kBitflip);
  EXPECT_EQ(take_io_fault(true), IoFault::kNone);
  for (const auto& [action, fault] : {std::pair{"eio", IoFault::kEio}, {"enospc", IoFault::kEnospc}}) {
    arm_failpoints(std::string("store.log.append:1:") + action);
    pass_one();
    EXPECT_EQ(take_io_fault(false), fault);
    EXPECT_EQ(take_io_fault(false), IoFault::kNone);
  }
}

TEST_F(FailpointTest, Delays) {
  arm_failpoints("store.log.append:1:delay=0.05");
  const auto start = std::chrono::steady_clock::now();
  pass_one();
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(50));
}

TEST_F(FailpointTest, Kills) {
  const pid_t child = ::fork();
  if (child == 0) {
    arm_failpoints("store.log.append:1:kill");
    pass_one();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST_F(FailpointTest, ARankIsChosen) {
  arm_failpoints("store.log.append:1:throw:2", 1);
  pass_one();
  arm_failpoints("store.log.append:1:throw:2", 2);
  EXPECT_THROW(pass_one(), Error);
  arm_failpoints("store.log.append:1:throw", 5);
  EXPECT_THROW(pass_one(), Error);
}

TEST_F(FailpointTest, WhatCannotBeUnderstoodIsRefusedAndArmsNothing) {
  const auto refused = [](const std::string& list, const std::string& why) {
    EXPECT_THAT([&] { arm_failpoints(list); }, ThrowsMessage<ConfigError>(HasSubstr(why))) << list;
    pass_one();
  };
  refused("store.log.apend:1:kill", "store.log.append");
  refused("nonsense:1:kill", "near names");
  refused("store.log.append", "expected name:nth:action");
  refused("store.log.append:1:throw,", "expected name:nth:action");
  refused("store.log.append:0:throw", "nth");
  refused("store.log.append:+:throw", "nth");
  refused("store.log.append:1x:throw", "nth");
  refused("store.log.append:1:explode", "the action must be");
  refused("store.log.append:1:kill=3", "only delay");
  refused("store.log.append:1:delay=-1", "only delay");
  refused("store.log.append:1:delay=nan", "only delay");
  refused("store.log.append:1:throw:x", "rank");
  refused("store.log.appended:1:eio", "no file call follows");
}

TEST_F(FailpointTest, ReadFromTheEnvironment) {
  ::setenv("LARIMAR_FAILPOINT", "store.log.append:1:throw", 1);
  arm_failpoints_from_environment();
  EXPECT_THROW(pass_one(), Error);
  ::unsetenv("LARIMAR_FAILPOINT");
}

}  // namespace
}  // namespace larimar::base
