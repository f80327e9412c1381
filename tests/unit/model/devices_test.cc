#include "common/model/devices.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/base/error.h"
#include "common/model/in_batches.h"
#include "common/model/language_model.h"
#include "common/model/placement.h"

namespace larimar::model {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

LookForCuda machine_with(int devices) {
  return [devices] { return CudaSight{devices, devices > 0 ? "" : "there is none"}; };
}

std::string choice(const std::string& wanted, int place, const LookForCuda& look) {
  try {
    return choose_device(wanted, place, look).name;
  } catch (const base::ConfigError& error) {
    return error.what();
  }
}

TEST(Devices, RanksOfAHostTakeTurns) {
  for (const char* wanted : {"cuda", "auto"}) {
    std::vector<std::string> chosen;
    for (int place = 0; place < 5; ++place) chosen.push_back(choice(wanted, place, machine_with(2)));
    EXPECT_THAT(chosen, ElementsAre("cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0")) << wanted;
  }
}

TEST(Devices, ANumberIsThatDeviceWhateverThePlace) {
  EXPECT_EQ(choice("cuda:1", 0, machine_with(2)), "cuda:1");
  EXPECT_EQ(choice("cuda:0", 3, machine_with(2)), "cuda:0");
  EXPECT_THAT(choice("cuda:2", 0, machine_with(2)),
              AllOf(HasSubstr("\"cuda:2\" is not there"), HasSubstr("to cuda:1")));
  EXPECT_THAT(choice("cuda:1", 0, machine_with(1)), HasSubstr("finds cuda:0 alone"));
}

TEST(Devices, WithoutOneAutoTakesTheCpuAndSaysWhyAndCudaIsRefused) {
  const ChosenDevice chosen = choose_device("auto", 2, machine_with(0));
  EXPECT_EQ(chosen.name, "cpu");
  EXPECT_EQ(chosen.why_no_cuda, "there is none");
  EXPECT_EQ(choose_device("auto", 2, machine_with(1)).why_no_cuda, "");
  EXPECT_THAT(choice("cuda", 0, machine_with(0)), AllOf(HasSubstr("there is none"), HasSubstr("choose cpu or auto")));
  EXPECT_THAT(choice("cuda:0", 0, machine_with(0)), HasSubstr("there is none"));
}

TEST(Devices, NobodyLooksUnlessADeviceIsAskedFor) {
  const LookForCuda look = []() -> CudaSight { throw base::ConfigError("looked"); };
  EXPECT_EQ(choice("cpu", 0, look), "cpu");
  for (const char* wanted : {"tpu", "cuda:", "cuda:x", "cuda:-1", "cuda:128", "cuda:1 ", "CUDA", ""})
    EXPECT_THAT(choice(wanted, 0, look), HasSubstr("is not known; choose cpu, cuda, cuda:N or auto")) << wanted;
  EXPECT_EQ(choice("auto", 0, look), "looked");
}

class NamedLibrary {
 public:
  explicit NamedLibrary(const char* path) { ::setenv("LARIMAR_CUDA_LIBRARY", path, 1); }
  ~NamedLibrary() { ::unsetenv("LARIMAR_CUDA_LIBRARY"); }
  NamedLibrary(const NamedLibrary&) = delete;
  NamedLibrary& operator=(const NamedLibrary&) = delete;
};

TEST(CudaLibrary, WhatIsWrongWithItIsSaid) {
  const auto why = [](const char* path) {
    const NamedLibrary named(path);
    const CudaSight sight = look_for_cuda();
    EXPECT_EQ(sight.devices, 0);
    EXPECT_THAT(choice("cuda", 0, look_for_cuda), HasSubstr(sight.why_none));
    return sight.why_none;
  };
  EXPECT_THAT(why("libabsent_cuda.so"),
              AllOf(HasSubstr("cannot be opened"), HasSubstr("libabsent_cuda.so"), HasSubstr("LARIMAR_CUDA_LIBRARY")));
  EXPECT_THAT(why(LARIMAR_FAKE_CUDA_FILE), AllOf(HasSubstr("cannot be opened"), HasSubstr("undefined symbol"),
                                                 HasSubstr("symbol_of_another_libtorch")));
  EXPECT_THAT(why("libm.so.6"), HasSubstr("libm.so.6 is not the CUDA part of LibTorch"));
}

template <class Call>
std::string refusal(const Call& call) {
  try {
    call();
  } catch (const base::ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Devices, APlacementOrAnEncoderIsRefusedAlike) {
  const NamedLibrary named("libabsent_cuda.so");
  EXPECT_THAT(refusal([] { (void)tensor_options({.device = "cuda", .dtype = "float32"}); }),
              HasSubstr("libabsent_cuda"));
  EXPECT_THAT(refusal([] { (void)tensor_options({.device = "auto", .dtype = "float32"}); }), HasSubstr("not settled"));
  EXPECT_THAT(refusal([] { (void)encoder_device("cuda:0", Arithmetic::kFloat); }), HasSubstr("libabsent_cuda"));
  EXPECT_TRUE(encoder_device("cpu", Arithmetic::kInteger).is_cpu());
}

/// A device that has memory for `most` rows at once.
struct Memory {
  std::int64_t most;
  std::vector<std::int64_t> tried{}, done{};
  void operator()(std::int64_t first, std::int64_t count) {
    tried.push_back(count);
    if (count > most)
      throw c10::OutOfMemoryError({"f", "f.cc", 1}, "CUDA out of memory. Tried to allocate 2.00 GiB\nmore");
    for (std::int64_t row = first; row < first + count; ++row) done.push_back(row);
  }
};

TEST(InBatches, OneThatHasNoMemoryIsHalvedAndStaysSo) {
  Memory memory{.most = 3};
  std::int64_t batch = 8;
  in_batches(10, batch, "codes to decode", std::ref(memory));
  EXPECT_THAT(memory.tried, ElementsAre(8, 4, 2, 2, 2, 2, 2));
  EXPECT_THAT(memory.done, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_EQ(batch, 2);
}

TEST(InBatches, GoesDownToOneAndWithMemoryChangesNothing) {
  Memory one{.most = 1}, plenty{.most = 100};
  at_once(5, "segments", std::ref(one));
  EXPECT_THAT(one.tried, ElementsAre(5, 3, 2, 1, 1, 1, 1, 1));
  EXPECT_THAT(one.done, ElementsAre(0, 1, 2, 3, 4));
  std::int64_t batch = 4;
  in_batches(10, batch, "segments", std::ref(plenty));
  EXPECT_THAT(plenty.tried, ElementsAre(4, 4, 2));
  EXPECT_EQ(batch, 4);
  at_once(0, "segments", std::ref(plenty));
  EXPECT_EQ(plenty.tried.size(), 3U);
}

TEST(InBatches, NoMemoryForOneIsAnErrorThatNamesWhatToLower) {
  Memory none{.most = 0};
  try {
    at_once(4, "codes to decode", std::ref(none));
    ADD_FAILURE() << "went on";
  } catch (const base::ConfigError& error) {
    EXPECT_THAT(error.what(),
                AllOf(HasSubstr("no memory for 1 codes to decode"), HasSubstr("Tried to allocate 2.00 GiB)"),
                      HasSubstr("--reads"), HasSubstr("--dtype bfloat16")));
  }
  EXPECT_THAT(none.tried, ElementsAre(4, 2, 1));
  EXPECT_THROW(at_once(4, "codes", [](auto, auto) { throw base::NumericalError("other"); }), base::NumericalError);
}

TEST(InBatches, AlsoWhatCuBlasSaysIsTooLittleMemory) {
  const auto throw_error = [](const char* text) { throw c10::Error({"f", "f.cc", 1}, text); };
  std::vector<std::int64_t> tried;
  at_once(4, "codes", [&](std::int64_t, std::int64_t count) {
    tried.push_back(count);
    if (count > 2) throw_error("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`");
  });
  EXPECT_THAT(tried, ElementsAre(4, 2, 2));
  EXPECT_THROW(at_once(4, "codes", [&](auto, auto) { throw_error("CUDA error: an illegal memory access"); }),
               c10::Error);
}

TEST(DeviceMemory, WhereItDoesNotSufficeTheErrorSaysForWhatAndWhatToDo) {
  const std::string what = refusal([] {
    with_device_memory("the networks of models/a", "choose the device cpu", [] {
      throw c10::OutOfMemoryError({"f", "f.cc", 1}, "CUDA out of memory. Tried to allocate 2.00 GiB\nmore");
    });
  });
  EXPECT_EQ(what,
            "the device has no memory for the networks of models/a (CUDA out of memory. Tried to allocate 2.00 GiB); "
            "choose the device cpu");
  EXPECT_THROW(with_device_memory("a", "b", [] { throw base::FormatError("c"); }), base::FormatError);
  EXPECT_THROW(with_device_memory("a", "b", [] { throw c10::Error({"f", "f.cc", 1}, "shape"); }), c10::Error);
}

}  // namespace
}  // namespace larimar::model
