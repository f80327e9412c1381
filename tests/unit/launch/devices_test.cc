// Devices that are not there, chosen by ranks that are threads.
#include "launch/devices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "common/comm/agree.h"
#include "tests/support/in_process.h"

namespace larimar::launch {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Needs = std::vector<NetworkNeeds>;

constexpr NetworkNeeds kNothing{}, kDecodes{.decoder = true}, kEncodes{.codes = true, .keys = true};

model::LookForCuda machine_with(int devices) {
  return [devices] { return model::CudaSight{devices, devices > 0 ? "" : "there is no driver"}; };
}

/// "device encode_device" of each rank, or "CODE sentence"; devices[rank] is how many a rank sees.
std::vector<std::string> chosen(const Needs& needs, const std::vector<int>& devices, const std::string& device,
                                const std::string& encode_device = "cpu") {
  std::vector<std::string> result(needs.size());
  support::run_in_process(static_cast<int>(needs.size()), [&](comm::Transport& transport) {
    const auto rank = static_cast<std::size_t>(transport.rank());
    JobSetup setup;
    setup.device = device;
    setup.encode_device = encode_device;
    try {
      const JobSetup placed = on_devices(transport, setup, needs[rank], machine_with(devices[rank]));
      result[rank] = placed.device + " " + placed.encode_device;
    } catch (const base::Error& error) {
      result[rank] = std::to_string(static_cast<int>(error.code())) + " " + error.what();
    }
  });
  return result;
}

TEST(DevicesOfRanks, DecodersOfAHostTakeTurns) {
  const Needs needs{kNothing, kDecodes, kDecodes, kDecodes};
  for (const char* wanted : {"cuda", "auto"})
    EXPECT_THAT(chosen(needs, {0, 2, 2, 2}, wanted), ElementsAre("cpu cpu", "cuda:0 cpu", "cuda:1 cpu", "cuda:0 cpu"));
  EXPECT_THAT(chosen(needs, {0, 2, 2, 2}, "cuda:1"), ElementsAre("cpu cpu", "cuda:1 cpu", "cuda:1 cpu", "cuda:1 cpu"));
}

TEST(DevicesOfRanks, EncodersAndDecodersAreCountedTogether) {
  EXPECT_THAT(chosen({kEncodes, kEncodes, kDecodes}, {4, 4, 4}, "cuda", "cuda"),
              ElementsAre("cpu cuda:0", "cpu cuda:1", "cuda:2 cpu"));
  EXPECT_THAT(chosen({kEncodes, kEncodes, kDecodes}, {4, 4, 4}, "cuda"),
              ElementsAre("cpu cpu", "cpu cpu", "cuda:0 cpu"));
  EXPECT_THAT(chosen({{.keys = true}, {.ranker = true}}, {1, 1}, "cpu", "cuda"),
              ElementsAre("cpu cuda:0", "cpu cuda:0"));
  EXPECT_THAT(chosen({{.codes = true, .decoder = true}}, {3}, "cuda", "cuda"), ElementsAre("cuda:0 cuda:0"));
}

TEST(DevicesOfRanks, ADecoderWithoutOneEndsAllRanksWithItsName) {
  EXPECT_THAT(
      chosen({kNothing, kDecodes, kDecodes}, {0, 1, 0}, "cuda"),
      Each(AllOf(HasSubstr("78 rank 2 on "), HasSubstr("there is no driver"), HasSubstr("choose cpu or auto"))));
  EXPECT_THAT(chosen({kEncodes, kDecodes}, {0, 1}, "cpu", "cuda"), Each(HasSubstr("78 rank 0 on ")));
}

TEST(DevicesOfRanks, WithAutoItDecodesOnItsCpuAndThatIsSaidOnce) {
  testing::internal::CaptureStderr();
  const auto devices = chosen({kNothing, kDecodes, kDecodes, kDecodes}, {0, 0, 1, 0}, "auto");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(devices, ElementsAre("cpu cpu", "cpu cpu", "cuda:0 cpu", "cpu cpu"));
  EXPECT_THAT(said, AllOf(HasSubstr("--device auto: the CPU on ranks 1, 3, because there is no driver on ")));
  EXPECT_EQ(std::ranges::count(said, '\n'), 1) << said;
}

TEST(DevicesOfRanks, WithTheCpuNothingIsSaidOrLookedFor) {
  testing::internal::CaptureStderr();
  EXPECT_THAT(chosen({kDecodes, kEncodes}, {0, 0}, "cpu"), Each("cpu cpu"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

std::vector<std::string> for_training(const std::vector<int>& devices, const std::string& wanted) {
  std::vector<std::string> result(devices.size());
  support::run_in_process(static_cast<int>(devices.size()), [&](comm::Transport& transport) {
    const auto rank = static_cast<std::size_t>(transport.rank());
    try {
      result[rank] = one_kind_of_device(transport, wanted, machine_with(devices[rank]));
    } catch (const base::Error& error) {
      result[rank] = error.what();
    }
  });
  return result;
}

TEST(DevicesOfRanks, TrainingIsOnOneKindOfDevice) {
  EXPECT_THAT(for_training({2, 2, 2}, "auto"), ElementsAre("cuda:0", "cuda:1", "cuda:0"));
  EXPECT_THAT(for_training({2, 2, 2}, "cuda:1"), Each("cuda:1"));
  EXPECT_THAT(for_training({2, 0}, "cuda"), Each(HasSubstr("rank 1 on ")));
  testing::internal::CaptureStderr();
  EXPECT_THAT(for_training({2, 0, 2}, "auto"), Each("cpu"));
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("the CPU on rank 1"), HasSubstr("all ranks take the CPU")));
}

}  // namespace
}  // namespace larimar::launch
