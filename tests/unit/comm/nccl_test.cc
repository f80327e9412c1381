// What goes wrong with NCCL, with a library that misbehaves on request: each ends with a sentence, and nothing waits for ever.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/comm/agree.h"
#include "tests/support/in_process.h"
#include "tests/unit/comm/nccl_ranks.h"

namespace larimar::test {
namespace {

using comm::NcclGroup;
using comm::NcclLibrary;
using comm::NcclType;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

std::string refusal(const std::string& path) {
  try {
    static_cast<void>(NcclLibrary::open(path));
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(NcclLibrary, IsFoundByTheEnvironmentAndKnowsItsVersion) {
  ::setenv("LARIMAR_NCCL_LIBRARY", LARIMAR_FAKE_NCCL_FILE, 1);
  const auto library = NcclLibrary::open();
  ::unsetenv("LARIMAR_NCCL_LIBRARY");
  EXPECT_EQ(library->path(), LARIMAR_FAKE_NCCL_FILE);
  EXPECT_EQ(library->version(), 22105);
  EXPECT_EQ(library->version_text(), "2.21.5");
}

TEST(NcclLibrary, OneThatIsNotThereIsNamed) {
  EXPECT_THAT(refusal("libabsent_nccl.so.2"), AllOf(HasSubstr("libabsent_nccl.so.2"), HasSubstr("LARIMAR_NCCL_LIBRARY"),
                                                    HasSubstr("install NCCL 2.10 or later")));
}

TEST(NcclLibrary, OneThatIsSomethingElseIsNamed) {
  EXPECT_THAT(refusal("libm.so.6"), AllOf(HasSubstr("libm.so.6"), HasSubstr("no function nccl")));
}

TEST(NcclLibrary, AnotherVersionIsNamed) {
  for (const auto& [version, words] : {std::pair{"2804", "2.8.4"}, {"20905", "2.9.5"}, {"30100", "3.1.0"}}) {
    const Misbehaviour version_is(std::string("version=") + version);
    EXPECT_THAT(refusal(LARIMAR_FAKE_NCCL_FILE), HasSubstr(std::string("is NCCL ") + words + ", expected is 2.10"));
  }
}

/// What each of two ranks throws when it makes a group and all-reduces once.
std::vector<std::string> errors_of_two(const std::string& misbehaviour, double patience) {
  const Misbehaviour misbehave(misbehaviour);
  std::vector<std::string> errors(2);
  support::run_in_process(
      2,
      [&](comm::Transport& transport) {
        support::FakeStream stream;
        try {
          NcclGroup group(transport, NcclLibrary::open(LARIMAR_FAKE_NCCL_FILE), stream_on(stream));
          std::vector<float> values(8, 1.0F);
          try {
            group.all_reduce(values.data(), values.size(), NcclType::kFloat32);
            group.wait();
          } catch (const base::CommError&) {
            EXPECT_THROW(group.wait(), base::CommError) << "goes on after an error";
            throw;
          }
        } catch (const base::Error& error) {
          errors[static_cast<std::size_t>(transport.rank())] = error.what();
        }
      },
      patience);
  return errors;
}

TEST(NcclGroup, NothingIsWrong) { EXPECT_THAT(errors_of_two("", 20.0), Each("")); }

TEST(NcclGroup, AStartThatFailsOnOneRankIsToldToAll) {
  EXPECT_THAT(errors_of_two("fail=ncclGetUniqueId", 20.0), Each(HasSubstr("ncclGetUniqueId failed: made to fail")));
  EXPECT_THAT(errors_of_two("fail=ncclCommInitRank", 20.0), Each(HasSubstr("ncclCommInitRank failed")));
  const base::Stopwatch watch;
  EXPECT_THAT(errors_of_two("fail=ncclCommInitRank@1", 2.0), Each(HasSubstr("ncclCommInitRank")));
  EXPECT_LT(watch.seconds(), 10.0);
}

TEST(NcclGroup, AStartThatHangsEndsWithinThePatience) {
  const base::Stopwatch watch;
  EXPECT_THAT(errors_of_two("hang=ncclCommInitRank@1", 2.0), Each(HasSubstr("has not joined")));
  EXPECT_LT(watch.seconds(), 10.0);
}

TEST(NcclGroup, ACollectiveThatFailsIsNamedAndTheOtherRankIsNotLeftWaiting) {
  const base::Stopwatch watch;
  const auto errors = errors_of_two("fail=ncclAllReduce@1", 20.0);
  EXPECT_THAT(errors[1], AllOf(HasSubstr("ncclAllReduce failed: made to fail"), HasSubstr("NCCL_DEBUG=INFO")));
  EXPECT_THAT(errors[0], HasSubstr("another rank has aborted (6)"));
  EXPECT_LT(watch.seconds(), 10.0) << "NCCL's own error was not looked at";
}

TEST(NcclGroup, ACollectiveThatHangsEndsAfterThePatience) {
  const base::Stopwatch watch;
  EXPECT_THAT(errors_of_two("hang=ncclAllReduce", 1.0), Each(AnyOf(HasSubstr("in vain"), HasSubstr("has aborted"))));
  EXPECT_GE(watch.seconds(), 1.0);
  EXPECT_LT(watch.seconds(), 10.0);
}

TEST(NcclGroup, DifferentVersionsAreRefused) {
  std::mutex mutex;  // the fake library reads the environment of the process
  support::run_in_process(2, [&](comm::Transport& transport) {
    const auto library = [&] {
      const std::scoped_lock lock(mutex);
      const Misbehaviour version(transport.rank() == 0 ? "version=21903" : "version=22105");
      return NcclLibrary::open(LARIMAR_FAKE_NCCL_FILE);
    }();
    support::FakeStream stream;
    try {
      NcclGroup group(transport, library, stream_on(stream));
      ADD_FAILURE() << "not refused";
    } catch (const comm::AgreedError& error) {
      EXPECT_EQ(error.code(), base::ExitCode::kConfig);
      EXPECT_THAT(error.what(), AllOf(HasSubstr("2.19.3"), HasSubstr("2.21.5")));
    }
  });
}

TEST(NcclGroup, TheGpuIsEnteredByTheThreadThatJoins) {
  const auto transport = comm::make_single_transport();
  support::FakeStream stream;
  std::thread::id entered;
  comm::DeviceStream device = stream_on(stream);
  device.enter_device = [&] { entered = std::this_thread::get_id(); };
  NcclGroup group(*transport, NcclLibrary::open(LARIMAR_FAKE_NCCL_FILE), device);
  EXPECT_NE(entered, std::thread::id{});
  std::vector<std::int64_t> tokens{1, 2, 3}, all(3);
  group.together([&] {
    group.all_gather(tokens.data(), all.data(), tokens.size(), NcclType::kInt64);
    group.broadcast(tokens.data(), tokens.size(), NcclType::kInt64, 0);
  });
  group.wait();
  EXPECT_EQ(all, tokens);
  EXPECT_THROW(group.broadcast(tokens.data(), 3, NcclType::kInt64, 1), base::CommError);
}

}  // namespace
}  // namespace larimar::test
